import ArgumentParser
import Basics
import Glibc
import Skills

/// Where skills come from; the same for all commands.
struct SkillOptions: ParsableArguments {
    @Option(
        name: .customLong("skills"),
        help: ArgumentHelp(
            "A directory of skills (folders with SKILL.md), beside those in the plugins' own skills/; the first skill of a name counts. "
                + "May be given several times.", valueName: "dir"))
    var directories: [String] = []

    @Flag(help: "Offer no skills.")
    var noSkills = false

    func validate() throws {
        if noSkills, !directories.isEmpty { throw ValidationError("--skills and --no-skills exclude each other") }
    }

    /// The skills; broken ones are left out and reported.
    func find(below pluginDirectories: [String]) throws -> [Skill] {
        let catalog = try catalog(below: pluginDirectories)
        for problem in catalog.problems { warn("skill left out: \(problem)") }
        return catalog.skills
    }

    func catalog(below pluginDirectories: [String]) throws -> SkillCatalog {
        if noSkills { return SkillCatalog() }
        for directory in directories where !Files.isDirectory(directory) {
            throw fail("there is no directory \(directory) of skills; check --skills")
        }
        return SkillCatalog(
            directories: directories + pluginDirectories.map { $0 + "/skills" }.filter(Files.isDirectory))
    }
}
