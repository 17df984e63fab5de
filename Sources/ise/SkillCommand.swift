import ArgumentParser
import Basics
import Glibc
import JSON
import Plugins
import Runs
import Skills
import Trace
import Workspaces

struct SkillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skill", abstract: "Shows and checks skills: folders with SKILL.md that agents read on demand.",
        subcommands: [List.self, Check.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the skills that are found, and whether they are of use in a workspace here.")

        @Flag(help: "Print one JSON object a skill.")
        var json = false

        @OptionGroup var plugins: PluginPlaces
        @OptionGroup var skills: SkillOptions

        func run() async throws {
            let directories = try plugins.find()
            let catalog = try skills.catalog(below: directories)
            let tools = PluginCatalog.load(from: directories).plugins(kind: .tool).map(\.manifest.name)
            let surroundings = try await lookAround(for: catalog.skills, tools)
            for skill in catalog.skills { show(skill, missing: skill.requirements.missing(in: surroundings)) }
            for problem in catalog.problems { warn("\(problem)") }
            if !catalog.problems.isEmpty { throw ExitCode(1) }
        }

        private func lookAround(
            for skills: [Skill], _ tools: [String]
        ) async throws -> SkillRequirements.Surroundings {
            do {
                let host = try await WorkspaceHost.start()
                let workspace = try await host.open()
                let found = try await SkillRequirements.Surroundings.found(in: workspace, for: skills, tools: tools)
                await workspace.close()
                await host.shutdown()
                return found
            } catch {
                throw fail("what skills require could not be looked up: \(error)")
            }
        }

        private func show(_ skill: Skill, missing: String?) {
            guard json else {
                print("\(skill.name) \(skill.version ?? "-")  \(missing.map { "left out: \($0)" } ?? "ok")".visibleLine)
                return print("    \(skill.description)".visibleLine)
            }
            let value: JSONValue = [
                "name": .string(skill.name), "version": skill.version.map(JSONValue.string) ?? .null,
                "description": .string(skill.description), "license": skill.license.map(JSONValue.string) ?? .null,
                "hash": .string(skill.hash), "files": .int(skill.files.count), "bytes": .int(skill.size),
                "location": .string(skill.location), "left_out": missing.map(JSONValue.string) ?? .null,
            ]
            print(value.compact)
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks the folders of skills: the front matter, the name, the files.",
            discussion: "Exit status 1 when one of them cannot be used.")

        @Argument(help: "Folders with SKILL.md.")
        var folders: [String]

        func run() async throws {
            var allGood = true
            for folder in folders {
                do {
                    let skill = try SkillCatalog.skill(at: folder)
                    for remark in skill.remarks { print("\(remark)".visibleLine) }
                    print(
                        "\(folder): ok, \(counted(skill.files.count, "file")), \(skill.size) bytes, sha256 \(skill.hash.prefix(12))"
                    )
                } catch {
                    allGood = false
                    print("\(error)".visible)
                }
            }
            if !allGood { throw ExitCode(1) }
        }
    }
}
