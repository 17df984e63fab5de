import Basics
import Glibc
import JSON
import Workspaces

/// Reads the folder of a skill, and writes copies of it.
enum SkillFolder {
    static let mainFile = "SKILL.md"
    private static let mostFiles = 2000
    private static let mostBytes = 64 << 20
    private static let deepest = 16

    static func read(_ folder: String) throws(SkillProblem) -> Skill {
        var files: [String: Skill.File] = [:]
        var left: [SkillProblem] = []
        var budget = mostBytes
        try read(folder, "", into: &files, &budget, &left, depth: 0)
        guard let main = files[mainFile] else {
            throw SkillProblem(file: folder, line: nil, reason: "there is no \(mainFile) in it")
        }
        let file = folder + "/" + mainFile
        let matter = try FrontMatter(main.bytes, file: file)
        let name = String(folder.split(separator: "/").last ?? "")
        guard matter.name == name else {
            throw SkillProblem(
                file: file, line: 2, reason: "it says name \"\(matter.name)\" but its folder is called \"\(name)\"")
        }
        return Skill(
            name: matter.name, description: matter.description, license: matter.license,
            compatibility: matter.compatibility, version: matter.version, id: matter.id,
            allowedTools: matter.allowedTools, requirements: matter.requirements, metadata: matter.metadata,
            files: files, hash: Skill.hash(of: files), location: folder, remarks: matter.remarks + left)
    }

    /// Links are left out: what a skill is must not depend on what lies outside of it.
    private static func read(
        _ folder: String, _ prefix: String, into files: inout [String: Skill.File], _ budget: inout Int,
        _ left: inout [SkillProblem], depth: Int
    ) throws(SkillProblem) {
        guard depth < deepest else {
            throw SkillProblem(file: folder, line: nil, reason: "folders are nested too deeply")
        }
        for name in try names(in: folder) {
            let path = folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { throw failure(path) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: try read(path, prefix + name + "/", into: &files, &budget, &left, depth: depth + 1)
            case S_IFREG:
                let bytes = try bytes(of: path, limit: budget)
                budget -= bytes.count
                files[prefix + name] = Skill.File(bytes: bytes, isExecutable: status.st_mode & 0o111 != 0)
                guard files.count <= mostFiles else {
                    throw SkillProblem(file: folder, line: nil, reason: "a skill has at most \(mostFiles) files")
                }
            default:
                left.append(SkillProblem(file: path, line: nil, reason: "left out: it is a link or a special file"))
            }
        }
    }

    private static func bytes(of path: String, limit: Int) throws(SkillProblem) -> [UInt8] {
        do throws(SystemError) { return try Files.read(path, atMost: limit, followsLinks: false) } catch {
            let reason = error.code == EFBIG ? "a skill has at most \(mostBytes) bytes" : error.reason
            throw SkillProblem(file: path, line: nil, reason: reason)
        }
    }

    /// Sorted; hidden ones left out.
    static func names(in folder: String) throws(SkillProblem) -> [String] {
        do throws(SystemError) { return try Files.names(in: folder) } catch { throw SkillProblem(error) }
    }

    // MARK: Copies

    /// Writes the files below a new directory, readable by everybody: a workspace's commands run under another identity.
    static func write(_ skill: Skill, to folder: String) throws(SkillProblem) {
        try makeDirectory(folder)
        for (path, file) in skill.files.sorted(by: { $0.key < $1.key }) {
            var directory = folder
            for part in path.pathNames.dropLast() {
                directory += "/" + part
                try makeDirectory(directory)
            }
            try write(file.bytes, to: folder + "/" + path, mode: file.isExecutable ? 0o755 : 0o644)
        }
    }

    static func makeDirectory(_ path: String) throws(SkillProblem) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure(path) }
        chmod(path, 0o755)  // whatever the umask says
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(SkillProblem) {
        do throws(SystemError) { try Files.write(path, bytes, exclusive: true, mode: mode) } catch {
            throw SkillProblem(error)
        }
        chmod(path, mode)  // whatever the umask says
    }

    private static func failure(_ path: String) -> SkillProblem {
        SkillProblem(file: path, line: nil, reason: String(cString: strerror(errno)))
    }
}

extension SkillProblem {
    init(_ error: SystemError) { self.init(file: error.path, line: nil, reason: error.reason) }
}
