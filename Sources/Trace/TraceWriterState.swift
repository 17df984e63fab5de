import JSON

/// What the lock of a `TraceWriter` guards: the chain, the bytes on their way, the calls that wait for an answer.
struct TraceWriterState {
    private var encoder: EventEncoder
    private let now: @Sendable () -> Timestamp

    private(set) var sequence = 0
    private var previous = ContentHash.zero
    /// Of the `end` event, once it is there.
    private var digest = ContentHash.zero
    private var lines: [UInt8] = []
    private var openCalls: [Int: OpenCall] = [:]
    private var synthesizedResults = 0
    private var phase = Phase.open

    /// Bytes of lines that are gathered for one write, when no checkpoint comes first.
    private static let flushThreshold = 64 << 10

    private struct OpenCall {
        var id: JSONValue
        var tool: JSONValue
        var turn: Int?
    }

    private enum Phase {
        case open
        /// The `end` event is written or waits in `lines`.
        case ended(TraceReceipt)
        /// Someone waits for the disk or has got the receipt.
        case published(TraceReceipt)
    }

    init(encoder: EventEncoder, now: @escaping @Sendable () -> Timestamp) {
        self.encoder = encoder
        self.now = now
        lines.reserveCapacity(2 * Self.flushThreshold)
    }

    mutating func append(_ event: TraceEvent, to file: borrowing File) throws(TraceError) -> Int {
        guard case .open = phase else {
            throw TraceError(.finished, cannot: "append to", path: file.path, reason: "the trace has its end event")
        }
        try check(event, path: file.path)
        if lines.count >= Self.flushThreshold { try flush(to: file) }
        let number = try appendLine(event, path: file.path)
        track(event, number: number)
        if event.kind.isCheckpoint || lines.count >= Self.flushThreshold { try flush(to: file) }
        return number
    }

    mutating func flush(to file: borrowing File) throws(TraceError) {
        guard !lines.isEmpty else { return }
        try file.drain(&lines, to: "write the trace")
    }

    /// Writes the `end` event, once; a second call only tries to get rid of the bytes. The caller publishes the file
    /// then.
    mutating func end(
        outcome: String, in file: borrowing PartialFile
    ) throws(TraceError) -> (TraceReceipt, blobs: Set<ContentHash>) {
        let receipt: TraceReceipt
        switch phase {
        case .open:
            try answerOpenCalls(path: file.file.path)
            _ = try appendLine(endEvent(outcome: outcome), path: file.file.path)
            receipt = TraceReceipt(
                path: file.finalPath, events: sequence, digest: digest, redactions: encoder.redactions,
                synthesizedResults: synthesizedResults)
            phase = .ended(receipt)
        case .ended(let made):
            receipt = made
        case .published:
            throw TraceError(.finished, cannot: "finish", path: file.finalPath, reason: "the trace is finished")
        }
        try flush(to: file.file)
        phase = .published(receipt)
        return (receipt, encoder.blobs)
    }

    mutating func publishingFailed() {
        if case .published(let receipt) = phase { phase = .ended(receipt) }
    }

    private mutating func appendLine(_ event: TraceEvent, path: String) throws(TraceError) -> Int {
        let start = lines.count
        do throws(TraceError) {
            let position = EventEncoder.Position(sequence: sequence, time: now(), previous: previous)
            try encoder.append(event, at: position, to: &lines)
            guard lines.count - start <= TraceFormat.maximumLineBytes else {
                throw TraceError(
                    .tooBig, cannot: "record a \(event.kind.rawValue) event in", path: path,
                    reason: "its line has \(lines.count - start) bytes; \(TraceFormat.maximumLineBytes) are allowed")
            }
        } catch {
            lines.removeLast(lines.count - start)
            throw error
        }
        if event.kind == .end { digest = seal(lineFrom: start) }
        return close(lineFrom: start)
    }

    /// Lets the line that starts at `start` vouch for itself, and returns the hash that it then holds.
    private mutating func seal(lineFrom start: Int) -> ContentHash {
        lines.removeLast()  // the closing brace
        let hash = hash(from: start)
        lines.append(contentsOf: ",\"self\":\"".utf8)
        hash.appendHex(to: &lines)
        lines.append(contentsOf: "\"}".utf8)
        return hash
    }

    /// Ends the line that starts at `start` and makes it the chain's last link.
    private mutating func close(lineFrom start: Int) -> Int {
        previous = hash(from: start)
        lines.append(UInt8(ascii: "\n"))
        sequence += 1
        return sequence - 1
    }

    private func hash(from start: Int) -> ContentHash {
        lines.withUnsafeBytes { ContentHash(of: UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }

    private func endEvent(outcome: String) -> TraceEvent {
        let redactions = encoder.redactions.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.int($0.value)) }
        return TraceEvent(
            .end,
            payload: [
                "events": .int(sequence + 1), "outcome": .string(outcome),
                "redactions": .object(JSONObject(redactions)),
            ])
    }
}

// Every call is answered exactly once.
extension TraceWriterState {
    private func check(_ event: TraceEvent, path: String) throws(TraceError) {
        func refuse(_ reason: String) -> TraceError {
            TraceError(.invalidEvent, cannot: "record a \(event.kind.rawValue) event in", path: path, reason: reason)
        }
        for member in event.payload.members where TraceFormat.reservedKeys.contains(member.key) {
            throw refuse("the key \"\(member.key)\" is reserved")
        }
        for (index, attachment) in event.attachments.enumerated() {
            let isTaken = event.payload[attachment.key] != nil || TraceFormat.reservedKeys.contains(attachment.key)
            guard !isTaken, !event.attachments[..<index].contains(where: { $0.key == attachment.key }) else {
                throw refuse("the key \"\(attachment.key)\" is reserved or stands twice")
            }
        }
        if let parent = event.parent, !(0..<sequence).contains(parent) {
            throw refuse("its parent \(parent) does not exist")
        }
        switch event.kind {
        case .end: throw refuse("only finish(outcome:) writes it")
        case .toolResult:
            guard let call = event.parent else { throw refuse("it names no call") }
            guard openCalls[call] != nil else { throw refuse("event \(call) is no call that waits for a result") }
        default: break
        }
    }

    private mutating func track(_ event: TraceEvent, number: Int) {
        switch event.kind {
        case .toolCall:
            openCalls[number] = OpenCall(
                id: event.payload["id"] ?? .null, tool: event.payload["tool"] ?? .null, turn: event.turn)
        case .toolResult:
            event.parent.map { _ = openCalls.removeValue(forKey: $0) }
        default: break
        }
    }

    private mutating func answerOpenCalls(path: String) throws(TraceError) {
        for (number, call) in openCalls.sorted(by: { $0.key < $1.key }) {
            let text = "The call ended without a result."
            let event = TraceEvent(
                .toolResult, turn: call.turn, parent: number,
                payload: [
                    "id": call.id, "tool": call.tool, "failed": true, "text": .string(text),
                    "error": ["code": "no_result", "message": .string(text)], "synthesized": true,
                ])
            _ = try appendLine(event, path: path)
            track(event, number: number)
            synthesizedResults += 1
        }
    }
}
