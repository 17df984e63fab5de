import JSON

/// Turns events into lines: secrets out, long strings to the content store.
struct EventEncoder {
    let store: ContentStore
    let redactor: Redactor

    /// What was taken out so far.
    private(set) var redactions: Redactor.Counts = [:]

    /// Every blob that a line refers to.
    private(set) var blobs: Set<ContentHash> = []

    init(store: ContentStore, redactor: Redactor) {
        self.store = store
        self.redactor = redactor
    }

    struct Position {
        var sequence: Int
        var time: Timestamp
        var previous: ContentHash
    }

    /// Appends the event's line, without newline. After an error `out` may hold a part of it.
    mutating func append(_ event: TraceEvent, at position: Position, to out: inout [UInt8]) throws(TraceError) {
        out.append(contentsOf: "{\"seq\":".utf8)
        Self.append(position.sequence, to: &out)
        out.append(contentsOf: ",\"time\":\"".utf8)
        position.time.append(to: &out)
        out.append(contentsOf: "\",\"type\":\"".utf8)
        out.append(contentsOf: event.kind.rawValue.utf8)
        out.append(contentsOf: "\",\"turn\":".utf8)
        Self.append(event.turn, to: &out)
        out.append(contentsOf: ",\"parent\":".utf8)
        Self.append(event.parent, to: &out)
        for member in event.payload.members {
            out.append(UInt8(ascii: ","))
            try append(member, to: &out)
        }
        for attachment in event.attachments {
            out.append(UInt8(ascii: ","))
            JSONValue.string(attachment.key).write(to: &out)
            out.append(UInt8(ascii: ":"))
            try append(bytes: attachment.bytes, to: &out)
        }
        out.append(contentsOf: ",\"prev\":\"".utf8)
        position.previous.appendHex(to: &out)
        out.append(contentsOf: "\"}".utf8)
    }

    private static func append(_ number: Int?, to out: inout [UInt8]) {
        guard let number else { return out.append(contentsOf: "null".utf8) }
        JSONValue.int(number).write(to: &out)
    }

    private mutating func append(_ member: JSONObject.Member, to out: inout [UInt8]) throws(TraceError) {
        JSONValue.string(redactor.redact(member.key)).write(to: &out)
        out.append(UInt8(ascii: ":"))
        try append(member.value, to: &out)
    }

    private mutating func append(_ value: JSONValue, to out: inout [UInt8]) throws(TraceError) {
        switch value {
        case .string(let text):
            try append(text: text, to: &out)
        case .array(let elements):
            out.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                try append(element, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let object):
            out.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                try append(member, to: &out)
            }
            // What a model or a program wrote must not pass for a reference of ours: a fifth key takes its looks away.
            if BlobReference(value) != nil { out.append(contentsOf: ",\"literal\":true".utf8) }
            out.append(UInt8(ascii: "}"))
        case .null, .bool, .int, .double:
            value.write(to: &out)
        }
    }

    private mutating func append(text: String, to out: inout [UInt8]) throws(TraceError) {
        var text = text
        let redacted = text.withUTF8 { redactor.redact(UnsafeRawBufferPointer($0), counting: &redactions) }
        if let redacted { text = String(decoding: redacted, as: UTF8.self) }
        guard text.utf8.count > TraceFormat.spillThreshold else {
            return JSONValue.string(text).write(to: &out)
        }
        try spill(redacted ?? Array(text.utf8), to: &out)
    }

    private mutating func append(bytes: [UInt8], to out: inout [UInt8]) throws(TraceError) {
        let redacted = bytes.withUnsafeBytes { redactor.redact($0, counting: &redactions) } ?? bytes
        if redacted.count <= TraceFormat.spillThreshold, let text = String(validating: redacted, as: UTF8.self) {
            JSONValue.string(text).write(to: &out)
        } else {
            try spill(redacted, to: &out)
        }
    }

    private mutating func spill(_ bytes: [UInt8], to out: inout [UInt8]) throws(TraceError) {
        let hash = try store.put(bytes)
        blobs.insert(hash)
        bytes.withUnsafeBytes { BlobReference(hash: hash, bytes: $0) }.json.write(to: &out)
    }
}
