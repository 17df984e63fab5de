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

    /// Sorted; hidden ones left out.
    static func names(in folder: String) throws(SkillProblem) -> [String] {
        guard let stream = opendir(folder) else { throw failure(folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func bytes(of path: String, limit: Int) throws(SkillProblem) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw failure(path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw SkillProblem(file: path, line: nil, reason: "a skill has at most \(mostBytes) bytes")
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

    /// As the kernel binds it: from the root, without links.
    static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    static func makeDirectory(_ path: String) throws(SkillProblem) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure(path) }
        chmod(path, 0o755)  // whatever the umask says
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(SkillProblem) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        fchmod(descriptor, mode)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { throw failure(path) }
        }
    }

    private static func failure(_ path: String) -> SkillProblem {
        SkillProblem(file: path, line: nil, reason: String(cString: strerror(errno)))
    }
}
