import JSON

/// The state of a verification between two lines.
struct TraceCheck {
    private(set) var result: TraceVerification
    private(set) var lineCount = 0
    private let store: ContentStore?

    private var previous = Previous(hash: .zero, isReadable: true)
    private var expectedSequence = 0
    private var hasEnd = false
    private var stopped = false

    /// The line that does not hold its predecessor's hash. One of the two was edited; the next line tells which.
    private var unclear: Int?

    /// The lines of calls that wait for their results, by sequence number.
    private var openCalls: [Int: Int] = [:]
    private var checkedBlobs: Set<ContentHash> = []

    private struct Previous {
        var hash: ContentHash
        /// An unparsable line is reported as such: that its successor holds another hash says nothing new.
        var isReadable: Bool
    }

    init(path: String, store: ContentStore?) {
        result = TraceVerification(path: path)
        self.store = store
    }

    var wantsMore: Bool { !stopped && result.problems.count < TraceVerifier.maximumProblems }

    mutating func report(_ kind: TraceProblem.Kind, _ line: Int, _ message: String) {
        result.problems.append(TraceProblem(line: line, kind: kind, message: message))
    }

    mutating func take(_ line: LineReader.Line) {
        lineCount = line.number
        if hasEnd {
            report(.afterEnd, line.number, "it follows the end event: something was appended to the finished trace")
            stopped = true
            return
        }
        let hash = ContentHash(of: line.bytes)
        do throws(TraceRecord.Malformed) {
            let record = try TraceRecord(line: line.number, bytes: line.bytes)
            result.events += 1
            checkPlace(record)
            checkPairing(record)
            checkBlobs(record)
            if record.kind == .end { checkEnd(record, line) }
            previous = Previous(hash: hash, isReadable: true)
        } catch {
            settle(isNextLinked: true)
            report(.unparsable, line.number, error.reason)
            previous = Previous(hash: hash, isReadable: false)
        }
        expectedSequence &+= 1  // a forged number may be the largest
        if !line.isTerminated {
            report(.tornTail, line.number, "it has no newline: the file was cut inside it or just after it")
        }
    }

    mutating func close(expecting digest: ContentHash?) {
        settle(isNextLinked: true)
        if !hasEnd, wantsMore {
            report(.missingEnd, max(lineCount, 1), "the trace has no end event: its tail was cut, or its writer died")
        }
        if let digest, hasEnd, result.digest != digest {
            report(
                .digest, lineCount,
                "the trace ends in \(result.digest?.description ?? "no digest"), not in \(digest): it is another trace")
        }
        result.problems.sort { $0.line < $1.line }
    }

    private mutating func checkPlace(_ record: TraceRecord) {
        let isLinked = record.previous == previous.hash
        guard record.sequence == expectedSequence || (isLinked && previous.isReadable) else {
            // Out of order, so its predecessor is not the one that it was written with.
            settle(isNextLinked: true)
            report(.sequence, record.line, outOfOrder(record.sequence))
            expectedSequence = record.sequence
            return
        }
        settle(isNextLinked: isLinked || !previous.isReadable)
        if record.sequence != expectedSequence {
            report(.edited, record.line, "it was edited: its seq is \(record.sequence), not \(expectedSequence)")
        } else if !isLinked, record.line == 1 {
            report(.edited, 1, "it was edited: the first line has 64 zeros as \"prev\"")
        } else if !isLinked, previous.isReadable {
            unclear = record.line
        }
    }

    private func outOfOrder(_ sequence: Int) -> String {
        sequence > expectedSequence
            ? "event \(sequence) stands where event \(expectedSequence) should: lines were dropped or moved"
            : "event \(sequence) stands after event \(expectedSequence &- 1): a line was moved or repeated"
    }

    /// Decides which line of an unlinked pair was edited: the second, when its successor does not know it either.
    private mutating func settle(isNextLinked: Bool) {
        guard let line = unclear else { return }
        unclear = nil
        let edited = isNextLinked ? line - 1 : line
        report(.edited, edited, "it was edited: the hash that line \(edited + 1) holds is another one")
    }

    private mutating func checkPairing(_ record: TraceRecord) {
        switch record.kind {
        case .toolCall:
            openCalls[record.sequence] = record.line
        case .toolResult:
            if record.parent.flatMap({ openCalls.removeValue(forKey: $0) }) == nil {
                report(.pairing, record.line, "it is the result of no call that waits for one")
            }
        case .end:
            for line in openCalls.values.sorted() { report(.pairing, line, "the call has no result") }
        default: break
        }
    }

    private mutating func checkBlobs(_ record: TraceRecord) {
        guard let store else { return }
        for reference in record.payload.members.flatMap(\.value.blobReferences) {
            guard checkedBlobs.insert(reference.hash).inserted else { continue }
            result.blobs += 1
            guard let size = store.size(of: reference.hash) else {
                report(.missingBlob, record.line, "its blob \(reference.hash) is missing")
                continue
            }
            do throws(TraceError) {
                let isIntact = try store.isIntact(reference.hash)
                guard !isIntact || size != reference.byteCount else { continue }
                report(.alteredBlob, record.line, "its blob \(reference.hash) was altered")
            } catch {
                report(.missingBlob, record.line, "its blob cannot be read: \(error)")
            }
        }
    }

    /// The last line has no successor that vouches for it, so it holds the hash of its own bytes before `,"self"`.
    private mutating func checkEnd(_ record: TraceRecord, _ line: LineReader.Line) {
        hasEnd = true
        result.outcome = record["outcome"]?.string
        let key = Array(",\"self\":\"".utf8)
        let closing = Array("\"}".utf8)
        let bodyLength = line.bytes.count - key.count - ContentHash.hexLength - closing.count
        let digest = ContentHash(of: Array(line.bytes.prefix(max(bodyLength, 0))))
        let expected = Array(line.bytes.prefix(max(bodyLength, 0))) + key + Array(digest.hex.utf8) + closing
        if expected == line.bytes {
            result.digest = digest
        } else {
            unclear = nil
            report(.edited, record.line, "it was edited: it does not have the hash that it holds of itself")
        }
        if record["events"]?.int != result.events {
            report(
                .count, record.line,
                "it counts \(record["events"]?.compact ?? "no") events; the file has \(result.events)")
        }
    }
}
