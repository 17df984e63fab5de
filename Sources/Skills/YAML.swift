import CYaml
import JSON

/// What a YAML text says, as JSON. libyaml reads it; this gives plain scalars their types, as YAML 1.2's core schema has them,
/// and takes what is no data for a manifest (anchors that build bombs, keys that are no text) as an error.
struct YAML {
    let value: JSONValue
    /// 1-based, of the members of the outermost mapping.
    let lines: [String: Int]

    struct Fault: Error {
        var line: Int
        var reason: String
    }

    private static let mostNodes = 10_000
    private static let deepest = 32

    init(_ text: [UInt8]) throws(Fault) {
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { throw Fault(line: 1, reason: "out of memory") }
        defer { yaml_parser_delete(&parser) }
        var document = yaml_document_t()
        // The parser keeps a pointer to the bytes until it has loaded the document.
        let isLoaded = text.withUnsafeBufferPointer { bytes in
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            return yaml_parser_load(&parser, &document) == 1
        }
        guard isLoaded else {
            let reason = parser.problem.map { String(cString: $0) } ?? "no YAML"
            throw Fault(line: Int(parser.problem_mark.line) + 1, reason: reason)
        }
        defer { yaml_document_delete(&document) }
        guard let root = yaml_document_get_root_node(&document) else {
            value = .null
            lines = [:]
            return
        }
        var reader = Reader(document: document, nodesLeft: Self.mostNodes)
        value = try reader.value(root, depth: Self.deepest)
        lines = reader.lines
    }

    private struct Reader {
        var document: yaml_document_t
        /// An alias counts again, wherever it stands.
        var nodesLeft: Int
        var lines: [String: Int] = [:]

        mutating func value(_ node: UnsafeMutablePointer<yaml_node_t>, depth: Int) throws(Fault) -> JSONValue {
            let line = Int(node.pointee.start_mark.line) + 1
            nodesLeft -= 1
            guard nodesLeft > 0 else { throw Fault(line: line, reason: "there are too many values") }
            guard depth > 0 else { throw Fault(line: line, reason: "values are nested too deeply") }
            switch node.pointee.type {
            case YAML_SCALAR_NODE: return scalar(node.pointee)
            case YAML_SEQUENCE_NODE:
                var elements: [JSONValue] = []
                var item = node.pointee.data.sequence.items.start
                while let index = item, index < node.pointee.data.sequence.items.top {
                    elements.append(try value(try get(index.pointee, line), depth: depth - 1))
                    item = index + 1
                }
                return .array(elements)
            case YAML_MAPPING_NODE: return try mapping(node, line: line, depth: depth)
            default: throw Fault(line: line, reason: "a value of no kind")
            }
        }

        private mutating func mapping(
            _ node: UnsafeMutablePointer<yaml_node_t>, line: Int, depth: Int
        ) throws(Fault) -> JSONValue {
            var object = JSONObject()
            var pair = node.pointee.data.mapping.pairs.start
            while let index = pair, index < node.pointee.data.mapping.pairs.top {
                let keyNode = try get(index.pointee.key, line)
                let keyLine = Int(keyNode.pointee.start_mark.line) + 1
                guard keyNode.pointee.type == YAML_SCALAR_NODE else {
                    throw Fault(line: keyLine, reason: "a key must be a text")
                }
                let key = Self.text(keyNode.pointee)
                guard object[key] == nil else { throw Fault(line: keyLine, reason: "the key \"\(key)\" stands twice") }
                if depth == YAML.deepest { lines[key] = keyLine }
                object[key] = try value(try get(index.pointee.value, line), depth: depth - 1)
                pair = index + 1
            }
            return .object(object)
        }

        private mutating func get(_ index: CInt, _ line: Int) throws(Fault) -> UnsafeMutablePointer<yaml_node_t> {
            guard let node = yaml_document_get_node(&document, index) else {
                throw Fault(line: line, reason: "a value that is not there")
            }
            return node
        }

        private static func text(_ node: yaml_node_t) -> String {
            let bytes = UnsafeBufferPointer(start: node.data.scalar.value, count: node.data.scalar.length)
            return String(decoding: bytes, as: UTF8.self)
        }

        /// Quoted and block texts are texts; plain ones may be more.
        private func scalar(_ node: yaml_node_t) -> JSONValue {
            let text = Self.text(node)
            guard node.data.scalar.style == YAML_PLAIN_SCALAR_STYLE else { return .string(text) }
            switch text {
            case "", "~", "null", "Null", "NULL": return .null
            case "true", "True", "TRUE": return true
            case "false", "False", "FALSE": return false
            default: break
            }
            if let number = Int(text) { return .int(number) }
            if text.utf8.contains(where: { (0x30...0x39).contains($0) }), let number = Double(text), number.isFinite,
                text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) })
            {
                return .double(number)
            }
            return .string(text)
        }
    }
}
