import Hashing
import JSON

/// A skill in the agent-skills convention: a folder with `SKILL.md`, whose front matter says what it is for, and whatever files
/// it needs. It is kept as it was read, whatever happens to the folder.
public struct Skill: Sendable {
    /// That of its folder.
    public var name: String
    /// What it does and when to use it.
    public var description: String
    public var license: String?
    /// In words, what it needs of its surroundings.
    public var compatibility: String?
    public var version: String?
    /// A UUID or another name that intents may know it by.
    public var id: String?
    /// Tools that it asks to use. ISE's permissions are the tools' own, so this is for the record.
    public var allowedTools: [String]
    public var requirements: SkillRequirements
    /// As it was written.
    public var metadata: JSONValue

    /// By their paths in the folder.
    public var files: [String: File]
    /// SHA-256 over all files, in hexadecimal.
    public var hash: String
    /// The folder that it was read from.
    public var location: String
    /// What is allowed, and yet worth a look.
    public var remarks: [SkillProblem] = []

    public struct File: Sendable, Hashable {
        public var bytes: [UInt8]
        public var isExecutable: Bool
    }

    /// Bytes of all files.
    public var size: Int { files.values.reduce(0) { $0 + $1.bytes.count } }

    /// Each part goes in with its length, so that no two skills share a hash by moving bytes from one file to the next.
    static func hash(of files: [String: File]) -> String {
        var hasher = ContentHasher()
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            hasher.update(Array("\(path.utf8.count):\(path)\(file.isExecutable ? "x" : "-")\(file.bytes.count):".utf8))
            hasher.update(file.bytes)
        }
        return hasher.finish().hex
    }
}

/// Something wrong with a skill, and where.
public struct SkillProblem: Error, Sendable, Hashable, CustomStringConvertible {
    public var file: String
    /// 1-based.
    public var line: Int?
    public var reason: String

    public var description: String { line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)" }
}

/// What must be there for a skill to be of use.
public struct SkillRequirements: Sendable, Hashable {
    /// Programs, all of them.
    public var programs: [String] = []
    /// Programs, one of them.
    public var anyPrograms: [String] = []
    /// Environment variables.
    public var environment: [String] = []
    /// Tools of the agent.
    public var tools: [String] = []
    /// Systems that it is for; empty: any.
    public var systems: [String] = []

    /// Every program that it asks about.
    var allPrograms: [String] { programs + anyPrograms }

    /// Why the skill is of no use here; nil when it is.
    public func missing(in surroundings: Surroundings) -> String? {
        if !systems.isEmpty, !systems.contains("linux") {
            return "it is for \(systems.joined(separator: ", ")), this is linux"
        }
        func without(_ names: [String], _ known: Set<String>) -> [String] { names.filter { !known.contains($0) } }
        let absent = without(programs, surroundings.programs)
        if !absent.isEmpty { return "not in the workspace: \(absent.joined(separator: ", "))" }
        if !anyPrograms.isEmpty, without(anyPrograms, surroundings.programs).count == anyPrograms.count {
            return "none of these is in the workspace: \(anyPrograms.joined(separator: ", "))"
        }
        let unset = without(environment, surroundings.environment)
        if !unset.isEmpty { return "not set in the workspace: \(unset.joined(separator: ", "))" }
        let unloaded = without(tools, surroundings.tools)
        if !unloaded.isEmpty { return "no such tool is loaded: \(unloaded.joined(separator: ", "))" }
        return nil
    }

    /// What skills may require.
    public struct Surroundings: Sendable, Hashable {
        public var programs: Set<String>
        public var environment: Set<String>
        public var tools: Set<String>

        public init(programs: Set<String> = [], environment: Set<String> = [], tools: Set<String> = []) {
            self.programs = programs
            self.environment = environment
            self.tools = tools
        }
    }
}
