import Glibc
import WorkspaceShim

/// What every workspace starts from: an allow-list. What is not named here is not there.
struct Template {
    /// Host id of uid 0 inside, when started as root. Far above the ids that systems hand out.
    static let idBase: UInt32 = 1_000_000
    static let idCount: UInt32 = 65536

    /// Copied: what programs look up there and what tells nothing of this host.
    private static let copiedFromEtc = [
        "alternatives", "bash.bashrc", "bindresvport.blacklist", "ca-certificates.conf", "ca-certificates", "debconf.conf",
        "debian_version", "emacs", "fonts", "gai.conf", "host.conf", "inputrc", "java-17-openjdk", "ld.so.cache",
        "ld.so.conf", "ld.so.conf.d", "libaudit.conf", "locale.alias", "login.defs", "magic", "magic.mime", "mime.types",
        "networks", "nanorc", "os-release", "perl", "profile", "protocols", "python3", "rpc", "services", "shells", "skel",
        "ssl/certs", "ssl/openssl.cnf", "terminfo", "vim", "wgetrc",
    ]

    let cgroupName: String

    func message() -> OutgoingMessage {
        var message = OutgoingMessage(ISE_TEMPLATE, id: 0)
        message.add(ISE_T_ID_BASE, Self.idBase)
        message.add(ISE_T_ID_COUNT, Self.idCount)
        message.add(ISE_T_CGROUP_NAME, string: cgroupName)
        addDirectories(&message)
        addSystem(&message)
        addEtc(&message)
        return message
    }

    private func addDirectories(_ message: inout OutgoingMessage) {
        let plain = [
            "dev", "etc", "etc/ssl", "home", "mnt", "opt", "proc", "run", "srv", "usr", "var", "var/cache", "var/lib",
            "var/log", "var/spool",
        ]
        for path in plain { add(directory: path, to: &message) }
        add(directory: "home/user", owner: 1, to: &message)
        add(directory: "root", mode: 0o700, to: &message)
        add(directory: "tmp", mode: 0o1777, to: &message)
        add(directory: "var/tmp", mode: 0o1777, to: &message)
    }

    /// `/usr`, and the links into it, or the directories that an unmerged system has in their place.
    private func addSystem(_ message: inout OutgoingMessage) {
        add(bind: "/usr", at: "usr", to: &message)
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            if let target = link("/" + name) {
                message.add(ISE_T_PATH, string: name)
                message.add(ISE_T_SOURCE, string: target)
                message.add(ISE_T_LINK, 0)
            } else if access("/" + name, X_OK) == 0 {
                add(directory: name, to: &message)
                add(bind: "/" + name, at: name, to: &message)
            }
        }
    }

    private func addEtc(_ message: inout OutgoingMessage) {
        for name in Self.copiedFromEtc {
            message.add(ISE_T_PATH, string: "etc/" + name)
            message.add(ISE_T_SOURCE, string: "/etc/" + name)
            message.add(ISE_T_COPY, 0)
        }
        add(file: "etc/passwd", to: &message, """
            root:x:0:0:root:/root:/bin/bash
            daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
            user:x:1000:1000:User:/home/user:/bin/bash
            nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

            """)
        add(file: "etc/group", to: &message, """
            root:x:0:
            daemon:x:1:
            tty:x:5:
            user:x:1000:
            nogroup:x:65534:

            """)
        add(file: "etc/hosts", to: &message, "127.0.0.1 localhost workspace\n::1 localhost\n")
        add(file: "etc/hostname", to: &message, "workspace\n")
        add(file: "etc/resolv.conf", to: &message, "# no name server: nothing outside can be reached\n")
        add(file: "etc/nsswitch.conf", to: &message, "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n")
        add(file: "etc/machine-id", to: &message, "0123456789abcdef0123456789abcdef\n")
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

    private func add(bind source: String, at path: String, to message: inout OutgoingMessage) {
        message.add(ISE_T_PATH, string: path)
        message.add(ISE_T_SOURCE, string: source)
        message.add(ISE_T_BIND, 0)
    }

    private func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink(path, &buffer, buffer.count)
        return length > 0 ? String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
}
