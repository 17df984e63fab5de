import FoundationEssentials
import Glibc
import TestSupport
import Testing
import Workspaces

@testable import Skills

/// Skills from their folders into a workspace.
struct SkillShelfTests {
    private static func write(
        _ name: String, in place: TemporaryDirectory, metadata: String = "", body: String = "Do it."
    ) throws {
        try FileManager.default.createDirectory(
            atPath: place.file("\(name)/scripts"), withIntermediateDirectories: true)
        let text = "---\nname: \(name)\ndescription: Knows <\(name)> & more.\nmetadata: {\(metadata)}\n---\n\(body)\n"
        try place.write("\(name)/SKILL.md", Array(text.utf8))
        try place.write("\(name)/scripts/run.sh", Array("#!/bin/sh\necho \(name) ran\n".utf8))
        chmod(place.file("\(name)/scripts/run.sh"), 0o700)
    }

    private static func withShelf(
        _ catalog: SkillCatalog, tools: [String] = ["exec"], _ body: (WorkspaceHost, SkillShelf) async throws -> Void
    ) async throws {
        let host = try await WorkspaceHost.start()
        let place = try TemporaryDirectory()
        do {
            let workspace = try await host.open()
            let shelf = try await SkillShelf(
                catalog.skills, tools: tools, workspace: workspace, directory: place.file("copies"))
            await workspace.close()
            try await body(host, shelf)
        } catch {
            await host.shutdown()
            throw error
        }
        await host.shutdown()
    }

    @Test func aSkillIsReadWholeAndItsHashKnowsEveryByte() throws {
        let place = try TemporaryDirectory()
        try Self.write("first", in: place)
        let first = try SkillCatalog.skill(at: place.file("first/"))
        #expect(first.files.keys.sorted() == ["SKILL.md", "scripts/run.sh"])
        #expect(first.files["scripts/run.sh"]?.isExecutable == true)
        try place.write("first/scripts/run.sh", Array("#!/bin/sh\necho other\n".utf8))
        let changed = try SkillCatalog.skill(at: place.file("first"))
        #expect(changed.hash != first.hash)
        chmod(place.file("first/scripts/run.sh"), 0o600)
        let plain = try SkillCatalog.skill(at: place.file("first"))
        #expect(plain.hash != changed.hash)
    }

    @Test func aBrokenSkillIsAProblemAndHurtsNobodyElse() throws {
        let place = try TemporaryDirectory()
        try Self.write("good", in: place)
        try Self.write("other", in: place)
        rename(place.file("other"), place.file("renamed"))
        mkdir(place.file("empty"), 0o755)
        symlink("/etc", place.file("good/link"))
        let catalog = SkillCatalog(directories: [place.path, place.file("nowhere")])
        #expect(catalog.skills.map(\.name) == ["good"])
        #expect(catalog.problems.count == 3)
        #expect(catalog.problems.contains { $0.reason.contains("its folder is called \"renamed\"") })
        #expect(catalog.problems.contains { $0.reason.contains("no SKILL.md") })
        #expect(catalog.skills[0].remarks.contains { $0.file.hasSuffix("good/link") })
        #expect(catalog.skills[0].files["link"] == nil)
    }

    @Test func aSkillThatIsOfNoUseHereIsLeftOutWithItsReason() async throws {
        let place = try TemporaryDirectory()
        let metadata = [
            "usable":
                "requires-bins: sh, requires-any-bins: no-such-program sh, requires-env: HOME, requires-tools: exec",
            "no-bin": "requires-bins: no-such-program", "no-any": "requires-any-bins: no-such-program nor-this",
            "no-env": "requires-env: API_TOKEN", "no-tool": "requires-tools: fly", "no-os": "requires-os: darwin",
        ]
        for (name, value) in metadata { try Self.write(name, in: place, metadata: value) }
        // What this process has in its environment is not in the workspace's.
        try await Self.withShelf(SkillCatalog(directories: [place.path])) { _, shelf in
            #expect(shelf.skills.map(\.name) == ["usable"])
            let reasons = Dictionary(uniqueKeysWithValues: shelf.leftOut.map { ($0.name, $0.reason) })
            #expect(reasons["no-bin"] == "not in the workspace: no-such-program")
            #expect(reasons["no-any"] == "none of these is in the workspace: no-such-program, nor-this")
            #expect(reasons["no-env"] == "not set in the workspace: API_TOKEN")
            #expect(reasons["no-tool"] == "no such tool is loaded: fly")
            #expect(reasons["no-os"] == "it is for darwin, this is linux")
        }
    }

    @Test func aWorkspaceSeesTheChosenSkillsAndCannotChangeThem() async throws {
        let place = try TemporaryDirectory()
        for name in ["one", "two", "three"] { try Self.write(name, in: place) }
        try await Self.withShelf(SkillCatalog(directories: [place.path])) { host, shelf in
            try place.write("one/SKILL.md", Array("edited meanwhile".utf8))
            let chosen = shelf.selection(of: ["one", "id-of-three"]) { "id-of-\($0)" }
            #expect(chosen.skills.map(\.name) == ["one", "three"])
            let workspace = try await host.open(Policy(), binds: chosen.binds)
            let script = """
                ls /skills; head -2 /skills/one/SKILL.md; /skills/three/scripts/run.sh
                echo x 2> /dev/null >> /skills/one/SKILL.md || echo refused
                rm -rf /skills/one/scripts 2> /dev/null; ls /skills/one
                """
            let result = try await workspace.exec(.shell(script))
            await workspace.close()
            let expected = "one\nthree\n---\nname: one\nthree ran\nrefused\nSKILL.md\nscripts\n"
            #expect(result.stdout.text == expected, "\(result.stderr.text)")
        }
    }

    @Test func anIntentThatNamesNoSkillGetsAllAndOneThatNamesAMissingOneIsToldSo() async throws {
        let place = try TemporaryDirectory()
        for name in ["alpha", "beta"] { try Self.write(name, in: place) }
        try Self.write("gamma", in: place, metadata: "requires-bins: no-such-program")
        try await Self.withShelf(SkillCatalog(directories: [place.path])) { _, shelf in
            #expect(shelf.selection(of: []).skills.map(\.name) == ["alpha", "beta"])
            let some = shelf.selection(of: ["bета", "alpho", "gamma", "beta", "beta"])
            #expect(some.skills.map(\.name) == ["beta"])
            #expect(some.missing.count == 3)
            #expect(some.missing.contains { $0.contains("alpho") && $0.contains("did you mean \"alpha\"") })
            #expect(some.missing.contains { $0.contains("gamma") && $0.contains("no-such-program") })
        }
    }

    @Test func theCopiesMayStandAtARelativePathAndBehindALink() async throws {
        let place = try TemporaryDirectory()
        try Self.write("one", in: place)
        mkdir(place.file("real"), 0o755)
        symlink(place.file("real"), place.file("link"))
        let here = try #require(getcwd(nil, 0).map { String(cString: $0) })
        let up = here.split(separator: "/").map { _ in ".." }.joined(separator: "/")
        let host = try await WorkspaceHost.start()
        let workspace = try await host.open()
        let skills = [try SkillCatalog.skill(at: place.file("one"))]
        let shelf = try await SkillShelf(
            skills, tools: [], workspace: workspace, directory: up + place.file("link/copies"))
        let reader = try await host.open(Policy(), binds: shelf.selection(of: []).binds)
        let result = try await reader.exec(ExecRequest(argv: ["ls", "/skills/one"]))
        await host.shutdown()
        #expect(result.stdout.text == "SKILL.md\nscripts\n")
    }

    @Test func thePromptNamesThemAndStaysShort() async throws {
        let place = try TemporaryDirectory()
        for number in 100..<300 { try Self.write("skill-\(number)", in: place) }
        try await Self.withShelf(SkillCatalog(directories: [place.path])) { _, shelf in
            let all = shelf.selection(of: [])
            #expect(all.prompt.contains("<location>/skills/skill-100/SKILL.md</location>"))
            #expect(all.prompt.contains("Knows &lt;skill-100&gt; &amp; more."))
            #expect(all.listedCount < 200)
            #expect(all.prompt.contains("\(200 - all.listedCount) more are not listed here"))
            #expect(all.prompt.utf8.count < 21_000)
            #expect(shelf.selection(of: ["nothing"]).prompt.isEmpty)
        }
    }

    @Test func theShippedSkillsAreGood() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let catalog = SkillCatalog(directories: [root + "/plugins/skills"])
        #expect(catalog.problems.isEmpty)
        #expect(catalog.skills.map(\.name) == ["csv-cleaning", "log-triage", "patch-by-hand"])
        for skill in catalog.skills {
            #expect(skill.license == "MIT")
            #expect(skill.remarks.isEmpty)
        }
    }
}
