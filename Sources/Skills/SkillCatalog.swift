import Basics

/// The skills below some directories, each a folder of its own.
public struct SkillCatalog: Sendable {
    /// Sorted by name.
    public private(set) var skills: [Skill] = []
    /// What could not be used, in the order it was found.
    public private(set) var problems: [SkillProblem] = []

    public init() {}

    /// The first of two skills with one name counts. A broken one is a problem and hurts nobody else.
    public init(directories: [String]) {
        var found: [String: Skill] = [:]
        for directory in directories {
            let names: [String]
            do throws(SkillProblem) { names = try SkillFolder.names(in: directory) } catch {
                problems.append(error)
                continue
            }
            for name in names where Files.isDirectory(directory + "/" + name) {
                do throws(SkillProblem) {
                    let skill = try SkillFolder.read(directory + "/" + name)
                    if found[name] == nil { found[name] = skill }
                } catch {
                    problems.append(error)
                }
            }
        }
        skills = found.values.sorted { $0.name < $1.name }
    }

    /// One skill, by its folder.
    public static func skill(at folder: String) throws(SkillProblem) -> Skill {
        var folder = folder
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        return try SkillFolder.read(folder)
    }
}
