import Basics
import JSON

/// A line that is no usable intent.
public struct IntentProblem: Sendable, Hashable, CustomStringConvertible {
    /// From 1.
    public let line: Int
    /// What is wrong and what to do.
    public let reason: String

    public var description: String { "line \(line): \(reason)" }
}

/// The content of an `intents.jsonl`: the good records, and for each bad line what is wrong with it.
public struct IntentFile: Sendable {
    public let records: [IntentRecord]
    public let problems: [IntentProblem]

    /// Reads every line of `bytes`; blank lines are skipped. A bad line never hides a good one. Of several records with one
    /// id the first counts.
    public init(parsing bytes: [UInt8]) {
        var records: [IntentRecord] = []
        var problems: [IntentProblem] = []
        var firstLine: [String: Int] = [:]
        for (number, line) in Self.lines(of: bytes) {
            do throws(IntentError) {
                let record = try IntentRecord(line: Array(line), number: number)
                if let first = firstLine[record.id] {
                    let id = IntentIdentifier.quoted(record.id)
                    throw IntentError(
                        .record, "the id \(id) stands on line \(first) already; give each record an id of its own")
                }
                firstLine[record.id] = number
                records.append(record)
            } catch {
                problems.append(IntentProblem(line: number, reason: error.message))
            }
        }
        self.records = records
        self.problems = problems
    }

    /// - Throws: `.file` when `path` cannot be read or holds not one usable record.
    public init(path: String) throws(IntentError) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.read(path)
        } catch {
            throw IntentError(.file, "cannot read the intents file \(path): \(error.reason)")
        }
        self.init(parsing: bytes)
        guard records.isEmpty else { return }
        let found = problems.prefix(5).map { "\n  \($0)" }.joined()
        let what = problems.isEmpty ? "it is empty" : "each of its \(problems.count) lines is bad:\(found)"
        throw IntentError(.file, "the intents file \(path) holds no usable record: \(what)")
    }

    /// The lines that are not blank, with their numbers from 1.
    private static func lines(of bytes: [UInt8]) -> [(number: Int, bytes: ArraySlice<UInt8>)] {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let content = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
        return content.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
            .map { (number: $0 + 1, bytes: $1.last == 0x0D ? $1.dropLast() : $1) }
            .filter { !$0.bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 } }
    }
}

extension IntentFile {
    /// The bytes of a file with these records.
    public static func bytes(of records: [IntentRecord]) -> [UInt8] {
        var bytes: [UInt8] = []
        for record in records {
            bytes += record.line
            bytes.append(0x0A)
        }
        return bytes
    }

    /// Writes a file with these records; an older one is replaced.
    /// - Throws: `.file`.
    public static func write(_ records: [IntentRecord], to path: String) throws(IntentError) {
        do throws(SystemError) {
            try Files.write(path, bytes(of: records))
        } catch {
            throw IntentError(.file, "cannot write the intents to \(path): \(error.reason)")
        }
    }
}
