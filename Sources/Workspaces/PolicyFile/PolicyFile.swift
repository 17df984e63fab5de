import Glibc
import JSON

/// All that can be said of a workspace and of a command in it, as a file says it:
///
///     {
///       "network": "allow-list",
///       "egress": {"allow": ["pypi.org:443", "*.pythonhosted.org:443"]},
///       "limits": {"memory": "512MiB", "processes": 64, "required": ["memory"]},
///       "exec": {"timeout": "90s"},
///       "binds": ["/srv/data:/data"]
///     }
///
/// Every key may be left out. `PolicyFile.schema` is the JSON Schema of the format.
public struct PolicyFile: Sendable {
    public internal(set) var exec = ExecBounds()
    /// A directory or a tar that holds a whole system; nil: this machine's own system directories.
    public internal(set) var root: String?
    public internal(set) var binds: [HostOptions.Bind] = []
    /// But for the network, whose parts may come in any order.
    var base = Policy()
    var network = NetworkName.loopback
    var allowed: [EgressRule] = []
    /// Of the file, with a slash at its end: where its relative paths begin.
    var directory: String?

    /// Bounds of one command.
    public struct ExecBounds: Sendable, Hashable {
        /// Nil: as long as it likes.
        public var timeout: Duration? = .seconds(120)
        public var silence: Duration?
        /// Seconds of processor time of each process.
        public var cpuSeconds: Int?
        /// Bytes kept of each stream.
        public var outputBytes = 10 << 20

        public init() {}
    }

    enum NetworkName: String, CaseIterable, Sendable {
        case none, loopback, allowList = "allow-list", host
    }

    public init() {}

    /// Reads a policy file. Relative paths in it begin at its own directory.
    ///
    /// - Throws: `invalidPolicy` with the file, the place in it, what was expected and what was found; or why it cannot be read.
    public init(path: String) throws(WorkspaceError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed(stage: "read the policy", errno: errno, path: path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.longest + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
            }
            guard got >= 0 else { throw .failed(stage: "read the policy", errno: errno, path: path) }
            if got == 0 { break }
            count += got
        }
        guard count <= Self.longest else {
            throw WorkspaceError(.invalidPolicy, "\(path): a policy has at most \(Self.longest) bytes", path: path)
        }
        do {
            try self.init(parsing: Array(bytes[..<count]))
        } catch {
            throw WorkspaceError(.invalidPolicy, "\(path): \(error.message)", path: path)
        }
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        self.directory = directory
        if let root, !root.hasPrefix("/") { self.root = directory + root }
        binds = binds.map { $0.source.hasPrefix("/") ? $0 : HostOptions.Bind(directory + $0.source, at: $0.path) }
    }

    private static let longest = 1 << 20

    /// - Throws: `invalidPolicy` with the place (a line and column, or a path such as `limits.memory`), what was expected and found.
    public init(parsing bytes: [UInt8]) throws(WorkspaceError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch {
            throw WorkspaceError(.invalidPolicy, "this is no JSON: \(error)")
        }
        guard let object = value.object else {
            throw WorkspaceError(.invalidPolicy, "a policy is a JSON object, this is \(value.typeName)")
        }
        try apply(object, below: "")
        try check()
    }

    private mutating func apply(_ object: JSONObject, below group: String) throws(WorkspaceError) {
        for (name, value) in object {
            let path = group + name
            if let key = Self.key(named: path) {
                try set(key, to: value)
            } else if Self.groups.contains(path) {
                guard let members = value.object else {
                    throw WorkspaceError(
                        .invalidPolicy, "\(path): \(PolicyValueError.wrong("an object", value).message)")
                }
                try apply(members, below: path + ".")
            } else if path != "$schema" {
                throw unknown(name, in: group)
            }
        }
    }

    private func unknown(_ name: String, in group: String) -> WorkspaceError {
        let here = Self.names(below: group)
        let elsewhere = Self.keys.map(\.name).filter { $0.split(separator: ".").last == name[...] }
        let guess = elsewhere.first.map { "; did you mean \"\($0)\"?" } ?? Suggestion.question(for: name, among: here)
        let place = group.isEmpty ? "" : " in \"\(group.dropLast())\""
        return WorkspaceError(
            .invalidPolicy, "unknown key \"\(name)\"\(place)\(guess) (known here: \(here.joined(separator: ", ")))")
    }

    /// Bytes, of a size as policies spell it; nil: it is none.
    public static func size(_ text: String) -> Int? { Quantity.bytes(text) }

    /// Sets a key as an option of a command line does: `text` for each time that it was given.
    ///
    /// - Throws: `invalidPolicy`.
    public mutating func set(_ key: PolicyKey, toOptions texts: [String]) throws(WorkspaceError) {
        if key.kind.isList {
            try set(key, to: .array(texts.map(key.kind.value)), naming: "--" + key.flag)
        } else if let text = texts.last {
            let isNone = key.kind.isOptional && text == "none"
            try set(key, to: isNone ? .null : key.kind.value(text), naming: "--" + key.flag)
        }
    }

    mutating func set(_ key: PolicyKey, to value: JSONValue, naming name: String? = nil) throws(WorkspaceError) {
        do {
            try key.write(&self, value)
        } catch {
            throw WorkspaceError(.invalidPolicy, "\(name ?? key.name)\(error.place): \(error.message)")
        }
    }

    /// What no single key shows to be wrong.
    ///
    /// - Throws: `invalidPolicy`.
    public func check() throws(WorkspaceError) {
        guard allowed.isEmpty || network == .allowList else {
            throw WorkspaceError(
                .invalidPolicy,
                "an allow-list is given, but the network is \"\(network.rawValue)\": it holds only with \"allow-list\"")
        }
    }
}

extension PolicyFile {
    /// The policy of workspaces, its network and rules put together.
    public var policy: Policy {
        var policy = base
        policy.network =
            switch network {
            case .none: .none
            case .loopback: .loopback
            case .allowList: .allowList(allowed)
            case .host: .host
            }
        return policy
    }

    /// What workspaces are made of.
    ///
    /// - Throws: `notFound` and the like when the root or a bind is not there.
    public func hostOptions() throws(WorkspaceError) -> HostOptions {
        var options = HostOptions()
        if let root { options.root = try HostOptions.Root(at: root) }
        for bind in binds {
            options.binds.append(HostOptions.Bind(try absolute(bind.source, of: "bind"), at: bind.path))
        }
        return options
    }

    /// The command's bounds, put into its request.
    public func bound(_ request: inout ExecRequest) {
        request.timeout = exec.timeout ?? .zero
        request.silenceTimeout = exec.silence
        request.limits.cpuSeconds = exec.cpuSeconds
        request.outputLimit = exec.outputBytes
    }

    /// The bounds that differ from the default, put into the request of a command that has bounds of its own: the tighter of two
    /// holds.
    public func tighten(_ request: inout ExecRequest) {
        let usual = ExecBounds()
        if let timeout = exec.timeout, exec.timeout != usual.timeout {
            request.timeout = request.timeout == .zero ? timeout : min(request.timeout, timeout)
        }
        if let silence = exec.silence { request.silenceTimeout = min(request.silenceTimeout ?? silence, silence) }
        if let seconds = exec.cpuSeconds {
            request.limits.cpuSeconds = min(request.limits.cpuSeconds ?? seconds, seconds)
        }
        if exec.outputBytes != usual.outputBytes { request.outputLimit = min(request.outputLimit, exec.outputBytes) }
    }

    /// Every key with its value: a policy file that says the same.
    public var json: JSONValue {
        var object = JSONObject()
        for key in Self.keys {
            let parts = key.name.split(separator: ".").map(String.init)
            if parts.count == 1 {
                object[key.name] = key.read(self)
            } else {
                var group = object[parts[0]]?.object ?? [:]
                group[parts[1]] = key.read(self)
                object[parts[0]] = .object(group)
            }
        }
        return .object(object)
    }
}

/// The whole path of something that is there, links followed.
func absolute(_ path: String, of what: String) throws(WorkspaceError) -> String {
    guard let resolved = realpath(path, nil) else { throw .failed(stage: "find the \(what)", errno: errno, path: path) }
    defer { free(resolved) }
    return String(cString: resolved)
}
