import Glibc
import WorkspaceShim

/// What every workspace starts from: an allow-list. What is not named here is not there.
struct Template: Sendable {
    /// Host id of uid 0 inside, when started as root. Far above the ids that systems hand out.
    static let idBase: UInt32 = 1_000_000
    static let idCount: UInt32 = 65536

    /// Copied: what programs look up there and what tells nothing of this host.
    private static let copiedFromEtc = [
        "alternatives", "bash.bashrc", "bindresvport.blacklist", "ca-certificates.conf", "ca-certificates",
        "debconf.conf",
        "debian_version", "emacs", "fonts", "gai.conf", "host.conf", "inputrc", "java-17-openjdk", "ld.so.cache",
        "ld.so.conf", "ld.so.conf.d", "libaudit.conf", "locale.alias", "login.defs", "magic", "magic.mime",
        "mime.types",
        "networks", "nanorc", "os-release", "perl", "profile", "protocols", "python3", "rpc", "services", "shells",
        "skel",
        "ssl/certs", "ssl/openssl.cnf", "terminfo", "vim", "wgetrc",
    ]

    let cgroupName: String
    /// The part of the cgroup v2 tree that an ordinary user may divide.
    var delegation: Delegation?
    let options: HostOptions
    /// For the launcher whose workspaces are all in the host's network.
    var isInHostNetwork = false

    func message() throws(WorkspaceError) -> OutgoingMessage {
        var message = OutgoingMessage(ISE_TEMPLATE, id: 0)
        message.add(ISE_T_ID_BASE, Self.idBase)
        message.add(ISE_T_ID_COUNT, Self.idCount)
        message.add(ISE_T_CGROUP_NAME, string: cgroupName)
        if let delegation { message.add(ISE_T_CGROUP_ROOT, string: delegation.directory) }
        if isInHostNetwork { message.add(ISE_T_HOST_NETWORK, 1) }
        addDirectories(&message)
        switch options.root {
        case .host:
            addSystem(&message)
            addEtc(&message)
            for path in Self.packageDirectories { add(directory: path, to: &message) }
            for path in Self.packageFiles { add(file: path, to: &message, "") }
        case .directory(let path), .archive(let path):
            try addRoot(path, to: &message)
        }
        addIdentity(&message)
        for bind in options.binds { try add(bind, to: &message) }
        return message
    }

    // MARK: Looking up

    /// The directories of an upper layer. The binds of system directories are numbered in the order in which `addSystem` makes them.
    var places: [UpperPlace] {
        var places = [UpperPlace(directory: "root", path: ""), UpperPlace(directory: "shm", path: "/dev/shm")]
        if case .host = options.root {
            places += systemDirectories.enumerated().map {
                UpperPlace(directory: "\($0.offset)", path: "/" + $0.element)
            }
        }
        return places
    }

    /// Whether a fresh workspace has something at that path.
    func holds(_ path: String) -> Bool {
        var status = stat()
        switch options.root {
        case .directory(let root), .archive(let root):
            if lstat(root + path, &status) == 0 { return true }
        case .host:
            let shown = systemDirectories.contains { path.hasPrefix("/\($0)/") }
            let copied = Self.copiedFromEtc.contains { path == "/etc/\($0)" || path.hasPrefix("/etc/\($0)/") }
            if shown || copied, lstat(path, &status) == 0 { return true }
            if (Self.packageDirectories + Self.packageFiles).contains(where: { path == "/" + $0 }) { return true }
        }
        let own = Self.directories + ["home/user", "root", "tmp", "var/tmp"] + Self.files
        return own.contains { path == "/" + $0 }
    }

    /// `/usr`, and what an unmerged system has beside it.
    private var systemDirectories: [String] {
        ["usr"] + Self.systemNames.filter { link("/" + $0) == nil && access("/" + $0, X_OK) == 0 }
    }

    private static let systemNames = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"]
    private static let directories = [
        "dev", "etc", "etc/ssl", "home", "mnt", "opt", "proc", "run", "srv", "usr", "var", "var/cache", "var/lib",
        "var/log",
        "var/spool",
    ]
    private static let files = [
        "etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/machine-id", "etc/hosts", "etc/hostname",
        "etc/resolv.conf",
    ]

    /// Where a package manager keeps what it has installed: nothing yet, whatever of this machine's is in `/usr`.
    private static let packageDirectories = [
        "etc/apt", "etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d",
        "etc/dpkg", "var/cache/apt", "var/cache/apt/archives", "var/cache/apt/archives/partial", "var/lib/apt",
        "var/lib/apt/lists", "var/lib/apt/lists/partial", "var/lib/dpkg", "var/lib/dpkg/alternatives",
        "var/lib/dpkg/info", "var/lib/dpkg/triggers", "var/lib/dpkg/updates", "var/log/apt",
    ]
    private static let packageFiles = ["etc/apt/sources.list", "var/lib/dpkg/available", "var/lib/dpkg/status"]

    private func addDirectories(_ message: inout OutgoingMessage) {
        for path in Self.directories { add(directory: path, to: &message) }
        add(directory: "home/user", owner: 1, to: &message)
        add(directory: "root", mode: 0o700, to: &message)
        add(directory: "tmp", mode: 0o1777, to: &message)
        add(directory: "var/tmp", mode: 0o1777, to: &message)
    }

    /// `/usr`, and the links into it, or the directories that an unmerged system has in their place.
    private func addSystem(_ message: inout OutgoingMessage) {
        add(bind: "/usr", at: "usr", .system, to: &message)
        for name in Self.systemNames {
            if let target = link("/" + name) {
                message.add(ISE_T_PATH, string: name)
                message.add(ISE_T_SOURCE, string: target)
                message.add(ISE_T_LINK, 0)
            } else if access("/" + name, X_OK) == 0 {
                add(directory: name, to: &message)
                add(bind: "/" + name, at: name, .system, to: &message)
            }
        }
    }

    private func addEtc(_ message: inout OutgoingMessage) {
        for name in Self.copiedFromEtc {
            message.add(ISE_T_PATH, string: "etc/" + name)
            message.add(ISE_T_SOURCE, string: "/etc/" + name)
            message.add(ISE_T_COPY, 0)
        }
        add(file: "etc/passwd", to: &message, Self.accounts)
        add(file: "etc/group", to: &message, Self.groups)
        add(file: "etc/nsswitch.conf", to: &message, "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n")
        add(file: "etc/machine-id", to: &message, "0123456789abcdef0123456789abcdef\n")
    }

    /// A directory of the host as the root: what is in it counts, but for who and where this is.
    private func addRoot(_ path: String, to message: inout OutgoingMessage) throws(WorkspaceError) {
        let root = path.hasPrefix("/") ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1
        defer { if root >= 0 { close(root) } }
        guard root >= 0, ise_exists_in_root(root, "bin/sh") != 0 else {
            throw WorkspaceError(
                .unavailable,
                "\(path) cannot be a workspace's root: it must be an absolute path to a directory with /bin/sh",
                path: path)
        }
        add(bind: path, at: ".", .root, to: &message)
        add(file: "etc/passwd", to: &message, Self.merge(Self.accounts, into: "etc/passwd", in: root))
        add(file: "etc/group", to: &message, Self.merge(Self.groups, into: "etc/group", in: root))
    }

    private func addIdentity(_ message: inout OutgoingMessage) {
        add(file: "etc/hostname", to: &message, "workspace\n")
        // In the host's network names mean what they mean to the host.
        let hosts = "127.0.0.1 localhost workspace\n::1 localhost\n"
        let resolver = "# no name server: nothing outside can be reached\n"
        add(
            file: "etc/hosts", to: &message,
            isInHostNetwork ? Self.read(Glibc.open("/etc/hosts", O_RDONLY | O_CLOEXEC)) : hosts)
        add(
            file: "etc/resolv.conf", to: &message,
            isInHostNetwork ? Self.read(Glibc.open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC)) : resolver)
    }

    /// A directory or file of the host at a place of its own, read-only whoever looks.
    private func add(_ bind: HostOptions.Bind, to message: inout OutgoingMessage) throws(WorkspaceError) {
        let parts = try bind.placeNames()
        var kind = stat()
        guard stat(bind.source, &kind) == 0 else {
            throw .failed(stage: "bind", errno: errno, path: bind.source)
        }
        let isDirectory = kind.st_mode & S_IFMT == S_IFDIR
        for end in 1...parts.count where end < parts.count || isDirectory {
            let directory = parts[..<end].joined(separator: "/")
            if !Self.made.contains(directory) { add(directory: directory, to: &message) }
        }
        let place = parts.joined(separator: "/")
        if !isDirectory { add(file: place, to: &message, "") }
        add(bind: bind.source, at: place, .readOnly, to: &message)
    }

    /// Directories that have a mode or an owner of their own already.
    private static let made: Set<String> = [
        "home", "home/user", "tmp", "root", "var", "etc", "opt", "mnt", "srv", "run",
    ]

    private static let accounts = """
        root:x:0:0:root:/root:/bin/bash
        daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
        user:x:1000:1000:User:/home/user:/bin/bash
        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

        """
    private static let groups = """
        root:x:0:
        daemon:x:1:
        tty:x:5:
        user:x:1000:
        nogroup:x:65534:

        """

    /// The lines of `file`, and those of `ours` whose number or name it lacks.
    private static func merge(_ ours: String, into file: String, in root: Int32) -> String {
        // A link in somebody else's system must not lead to a file of this one.
        let theirs = read(ise_open_in_root(root, file, O_RDONLY | O_NONBLOCK | O_NOCTTY)).split(separator: "\n").map(
            String.init)
        func key(_ line: some StringProtocol, _ column: Int) -> String {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            return fields.count > column ? String(fields[column]) : ""
        }
        let taken = Set(theirs.map { key($0, 2) })
        let missing = ours.split(separator: "\n").filter { !taken.contains(key($0, 2)) }.map(String.init)
        return (theirs + missing).joined(separator: "\n") + "\n"
    }

    /// Closes the descriptor.
    private static func read(_ descriptor: Int32) -> String {
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let length = max(0, Glibc.read(descriptor, &buffer, buffer.count))
        return String(decoding: buffer[..<length], as: UTF8.self)
    }

    private func add(directory path: String, mode: UInt32 = 0o755, owner: Int = 0, to message: inout OutgoingMessage) {
        message.add(ISE_T_PATH, string: path)
        message.add(ISE_T_MODE, mode)
        message.add(ISE_T_OWNER, owner)
        message.add(ISE_T_DIRECTORY, 0)
    }

    private func add(file path: String, to message: inout OutgoingMessage, _ content: String) {
        message.add(ISE_T_PATH, string: path)
        message.add(ISE_T_MODE, 0o644)
        message.add(ISE_T_OWNER, 0)
        message.add(ISE_T_CONTENT, bytes: Array(content.utf8))
    }

    private enum BindKind: Int { case readOnly, system, root }

    private func add(bind source: String, at path: String, _ kind: BindKind, to message: inout OutgoingMessage) {
        message.add(ISE_T_PATH, string: path)
        message.add(ISE_T_SOURCE, string: source)
        message.add(ISE_T_BIND, kind.rawValue)
    }

    private func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink(path, &buffer, buffer.count)
        return length > 0 ? String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}
