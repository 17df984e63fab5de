import JSON

extension PolicyFile {
    /// Every key, in the order in which they are shown.
    public static let keys: [PolicyKey] = [
        .choice(
            "network", \.network, "What it reaches: nothing, itself, what --allow names, or all that the host reaches."),
        allow,
        .count("egress.connections", \.base.egress.connections, 1...4096, "Connections out at once."),
        .size("egress.total_bytes", \.base.egress.totalBytes, "Bytes through its way out, both directions together."),
        .duration("egress.idle", \.base.egress.idle, "After which a connection over which nothing goes is closed."),
        .duration("egress.connect", \.base.egress.connect, "For connecting to a server."),
        .choice("identity", \.base.identity, "Who it is inside; on the host it is nobody either way."),
        .size("limits.disk", \.base.limits.diskBytes, atLeast: 4096, "What all files written may take."),
        .count(
            "limits.inodes", \.base.limits.inodes, 65...100_000_000, "Files, directories and links that may be made."),
        .size("limits.memory", \.base.limits.memoryBytes, atLeast: 1 << 20, "Memory of all processes and files."),
        .count("limits.processes", \.base.limits.processes, 1...4_194_304, "Processes and threads at once."),
        .count("limits.cpu_percent", \.base.limits.cpuPercent, 1...1_000_000, "Processor time; 100 is one core."),
        .count(
            "limits.open_files", \.base.limits.openFiles, 16...1_048_576, "Descriptors that a process may have open."),
        .size("limits.file_bytes", \.base.limits.fileBytes, "What one file may have."),
        required,
        .duration("exec.timeout", \.exec.timeout, "From its start until all of it is killed."),
        .duration("exec.silence", \.exec.silence, "The longest it may write nothing."),
        .count("exec.cpu_seconds", \.exec.cpuSeconds, 1...1_000_000_000, "Processor time of each process."),
        .size("exec.output", \.exec.outputBytes, atLeast: 2, "What is kept of each stream in a result."),
        .choice("changes", \.base.changeTracking, "How closely changes of files are watched."),
        .flag("denials", \.base.reportsDenials, "Count refused system calls."),
        .flag("process_tree", \.base.tracksProcesses, "Tell which processes ran."),
        root, binds,
    ]

    private static let allow = PolicyKey.list(
        "egress.allow",
        .text("a rule: host:port, *.domain:port, or a host alone for ports 80 and 443", title: "host:port"),
        "What an allow-list lets it reach: host:port, *.domain:port, or a host for ports 80 and 443.",
        get: { $0.allowed.map { .string($0.description) } }
    ) { file, elements throws(PolicyValueError) in
        file.allowed = try each(elements, "a rule such as \"example.org:443\"") { text throws(PolicyValueError) in
            do throws(WorkspaceError) { return try EgressRule(text) } catch {
                throw PolicyValueError(message: error.message)
            }
        }
    }

    private static let required = PolicyKey.list(
        "limits.required", .choice(Limits.Kind.allCases.map(\.rawValue)),
        "Limits that must hold for all processes together: where the machine cannot enforce that, nothing is run.",
        get: { $0.base.limits.required.map(\.rawValue).sorted().map(JSONValue.string) }
    ) { file, elements throws(PolicyValueError) in
        let words = PolicyKey.Kind.choice(Limits.Kind.allCases.map(\.rawValue)).words
        file.base.limits.required = Set(
            try each(elements, words) { text throws(PolicyValueError) in
                guard let kind = Limits.Kind(rawValue: text) else { throw .wrong(words, .string(text)) }
                return kind
            })
    }

    private static let root = PolicyKey(
        "root", .text("a directory or a tar of a whole system", title: "dir|tar").optional(),
        "A directory or a tar that holds a whole system, instead of this machine's system directories.",
        get: { $0.root.map(JSONValue.string) ?? .null }
    ) { file, value throws(PolicyValueError) in
        guard value.isNull || value.string.map({ !$0.isEmpty && !$0.utf8.contains(0) }) == true else {
            throw .wrong("the path of a directory or a tar, or null for this machine's own system", value)
        }
        file.root = value.string
    }

    private static let binds = PolicyKey.list(
        "binds", .text("\"SOURCE:PATH\"", title: "source:path"),
        "A directory or a file of the host, seen read-only at an absolute path inside.",
        get: { $0.binds.map { .string("\($0.source):\($0.path)") } }
    ) { file, elements throws(PolicyValueError) in
        file.binds = try each(elements, "\"SOURCE:PATH\"") { text throws(PolicyValueError) in
            let colon = text.lastIndex(of: ":")
            guard let colon, colon != text.startIndex, text[colon...].hasPrefix(":/"), !text.utf8.contains(0) else {
                throw .wrong("\"SOURCE:PATH\" with an absolute PATH", .string(text))
            }
            return HostOptions.Bind(String(text[..<colon]), at: String(text[text.index(after: colon)...]))
        }
    }

    /// Every element of an array of strings, read; an error names the place.
    private static func each<Value>(
        _ elements: [JSONValue], _ words: String, _ read: (String) throws(PolicyValueError) -> Value
    ) throws(PolicyValueError) -> [Value] {
        var values: [Value] = []
        for (index, element) in elements.enumerated() {
            guard let text = element.string else {
                throw PolicyValueError(place: "[\(index)]", message: PolicyValueError.wrong(words, element).message)
            }
            do throws(PolicyValueError) { values.append(try read(text)) } catch {
                throw PolicyValueError(place: "[\(index)]", message: error.message)
            }
        }
        return values
    }

    public static func key(named name: String) -> PolicyKey? { keys.first { $0.name == name } }

    /// Names that hold keys.
    static let groups: Set<String> = Set(
        keys.compactMap { key in key.name.firstIndex(of: ".").map { String(key.name[..<$0]) } })

    /// What may stand in a group ("limits."), or at the top (""), in order.
    static func names(below group: String) -> [String] {
        var names: [String] = []
        for key in keys where key.name.hasPrefix(group) {
            let name = String(key.name.dropFirst(group.count).prefix { $0 != "." })
            if names.last != name { names.append(name) }
        }
        return names
    }
}

// MARK: Schema

extension PolicyFile {
    /// The format as JSON Schema (2020-12), for editors and other programs.
    public static let schema: JSONValue = {
        var top = JSONObject()
        var groups: [String: JSONObject] = [:]
        top["$schema"] = ["type": "string"]
        for key in keys {
            let parts = key.name.split(separator: ".").map(String.init)
            if parts.count == 1 {
                top[key.name] = property(of: key)
            } else {
                groups[parts[0], default: [:]][parts[1]] = property(of: key)
                top[parts[0]] = closed(groups[parts[0]] ?? [:])
            }
        }
        var schema: JSONObject = ["$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ISE policy"]
        for (name, value) in closed(top).object ?? [:] { schema[name] = value }
        return .object(schema)
    }()

    private static func closed(_ properties: JSONObject) -> JSONValue {
        ["type": "object", "additionalProperties": false, "properties": .object(properties)]
    }

    private static func property(of key: PolicyKey) -> JSONValue {
        var schema = key.kind.schema
        if key.kind.isOptional {
            let types = schema["type"]?.array ?? [schema["type"]].compactMap(\.self)
            schema["type"] = .array(types + ["null"])
        }
        schema["description"] = .string(key.help)
        schema["default"] = key.defaultValue
        return schema
    }
}
