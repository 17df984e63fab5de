import Basics
import JSON
import Workspaces

/// The skills of a run: those that are of use in its workspaces, copied to where nobody edits them, so that every trajectory
/// sees the same files.
public struct SkillShelf: Sendable {
    /// Where workspaces see them.
    public static let place = "/skills"

    /// Sorted by name.
    public let skills: [Skill]
    /// Why others are not among them, by name.
    public let leftOut: [LeftOut]
    private let directory: String

    public struct LeftOut: Sendable, Hashable, CustomStringConvertible {
        public var name: String
        public var reason: String
        public var description: String { "the skill \(name) is left out: \(reason)" }
    }

    public enum Failure: Error, CustomStringConvertible {
        case workspace(WorkspaceError)
        case copy(SkillProblem)

        public var description: String {
            switch self {
            case .workspace(let error): "what skills require could not be looked up: \(error.message)"
            case .copy(let problem): "a skill could not be copied: \(problem)"
            }
        }
    }

    /// Copies the skills that are of use in `workspace` into folders below `directory`, which is made.
    /// - Parameter tools: names of the agent's tools.
    public init(
        _ skills: [Skill], tools: some Sequence<String>, workspace: Workspace, directory: String
    ) async throws(Failure) {
        let surroundings: SkillRequirements.Surroundings
        do throws(WorkspaceError) {
            surroundings = try await .found(in: workspace, for: skills, tools: tools)
        } catch { throw .workspace(error) }
        var usable: [Skill] = []
        var leftOut: [LeftOut] = []
        for skill in skills {
            if let reason = skill.requirements.missing(in: surroundings) {
                leftOut.append(LeftOut(name: skill.name, reason: reason))
            } else {
                usable.append(skill)
            }
        }
        self.skills = usable
        self.leftOut = leftOut
        do throws(SkillProblem) {
            if !usable.isEmpty { try SkillFolder.makeDirectory(directory) }
            self.directory = Files.resolved(directory) ?? directory
            for skill in usable { try SkillFolder.write(skill, to: directory + "/" + skill.name) }
        } catch { throw .copy(error) }
    }

    /// The skills that an intent names, by name or id; all when it names none.
    /// - Parameter identify: gives the id that intents of one's own have for a skill of this name.
    public func selection(of wanted: [String], identify: (String) -> String? = { _ in nil }) -> SkillSelection {
        guard !wanted.isEmpty else { return SkillSelection(skills: skills, missing: [], directory: directory) }
        var chosen: [Skill] = []
        var missing: [String] = []
        for name in wanted {
            func isMeant(_ candidate: String, _ id: String?) -> Bool {
                candidate == name || id == name || identify(candidate) == name
            }
            if let skill = skills.first(where: { isMeant($0.name, $0.id) }) {
                if !chosen.contains(where: { $0.name == skill.name }) { chosen.append(skill) }
            } else if let skill = leftOut.first(where: { isMeant($0.name, nil) }) {
                missing.append("\(skill)")
            } else {
                let guess = Suggestion.question(for: name, among: skills.map(\.name))
                missing.append("the intent names the skill \(name), which is not there\(guess)")
            }
        }
        return SkillSelection(skills: chosen.sorted { $0.name < $1.name }, missing: missing, directory: directory)
    }
}

/// The skills of one trajectory.
public struct SkillSelection: Sendable {
    /// Sorted by name.
    public let skills: [Skill]
    /// What the intent names and does not get, in sentences.
    public let missing: [String]
    private let directory: String

    /// Bytes of the list in the prompt.
    static let longestList = 20_000

    init(skills: [Skill], missing: [String], directory: String) {
        self.skills = skills
        self.missing = missing
        self.directory = directory
    }

    /// What a workspace sees of the host for them.
    public var binds: [HostOptions.Bind] {
        skills.map { HostOptions.Bind(directory + "/" + $0.name, at: SkillShelf.place + "/" + $0.name) }
    }

    /// What a system prompt says of them; empty when there are none.
    public var prompt: String {
        guard !skills.isEmpty else { return "" }
        let entries = skills.map(Self.entry)
        let listed = entries.prefix(listedCount).joined(separator: "\n")
        let rest = skills.count - listedCount
        let more = rest > 0 ? "\n\(rest) more are not listed here: look into \(SkillShelf.place)." : ""
        return """
            Skills are folders with instructions, scripts and examples for particular kinds of work. They are read-only. When one \
            fits what you are asked for, read its SKILL.md first and follow it; paths in it begin at its folder.

            <available_skills>
            \(listed)
            </available_skills>\(more)
            """
    }

    /// How many stand in the prompt.
    public var listedCount: Int {
        var bytes = 0
        return skills.prefix { skill in
            bytes += Self.entry(skill).utf8.count + 1
            return bytes <= Self.longestList
        }.count
    }

    private static func entry(_ skill: Skill) -> String {
        """
        <skill><name>\(skill.name)</name><description>\(escaped(skill.description))</description>\
        <location>\(SkillShelf.place)/\(skill.name)/SKILL.md</location></skill>
        """
    }

    private static func escaped(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ").map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            default: String(character)
            }
        }.joined()
    }
}

extension SkillRequirements.Surroundings {
    /// What a workspace has of what the skills ask about.
    public static func found(
        in workspace: Workspace, for skills: [Skill], tools: some Sequence<String>
    ) async throws(WorkspaceError) -> SkillRequirements.Surroundings {
        let programs = skills.flatMap(\.requirements.allPrograms)
        let script = #"for p in "$@"; do command -v "$p" > /dev/null && echo "$p"; done; echo; env"#
        let result = try await workspace.exec(
            ExecRequest(argv: ["/bin/sh", "-c", script, "sh"] + Set(programs).sorted()))
        let lines = result.stdout.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let end = lines.firstIndex(of: "") ?? lines.endIndex
        let variables = lines[end...].compactMap { line in
            line.firstIndex(of: "=").map { String(line[..<$0]) }
        }
        return .init(programs: Set(lines[..<end]), environment: Set(variables), tools: Set(tools))
    }
}
