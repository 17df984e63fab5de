import Basics
import JSON

/// What calls gave when their author looked at it: one file a call, kept beside the spec.
struct GoldenFiles: Sendable {
    enum Problem: Error {
        case missing(String)
        case differs(file: String, got: JSONValue, wanted: JSONValue, place: String)
        case unreadable(String)
    }

    let folder: String
    /// Writes the files instead of comparing.
    var updates = false
    /// What a real machine answers may differ; then only what the plugin asked for, and its result, count.
    var ignoresAnswers = false

    func compare(_ record: CallRecord, name: String) throws(Problem) {
        let file = folder + "/" + Self.slug(name) + ".json"
        let got = record.essence.sortedByKey
        if updates {
            do throws(AuthoringError) { try writeFile(file, Array((got.pretty + "\n").utf8)) } catch {
                throw .unreadable(error.message)
            }
            return
        }
        guard Files.isFile(file) else { throw .missing(file) }
        let wanted: JSONValue
        do throws(AuthoringError) {
            guard let value = try? JSONValue(parsing: try readFile(file)) else {
                throw AuthoringError("\(file) is no JSON")
            }
            wanted = value
        } catch {
            throw .unreadable(error.message)
        }
        let (left, right) = ignoresAnswers ? (Self.questions(got), Self.questions(wanted)) : (got, wanted)
        guard let place = JSONDifference.first(left, right) else { return }
        throw .differs(file: file, got: left, wanted: right, place: place)
    }

    private static func questions(_ value: JSONValue) -> JSONValue {
        var value = value
        let calls = (value["host_calls"]?.array ?? []).map { call in
            var call = call
            call["result"] = nil
            return call
        }
        value["host_calls"] = .array(calls)
        return value
    }

    private static func slug(_ name: String) -> String {
        let letters = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return String(letters).split(separator: "-").joined(separator: "-")
    }
}

/// Where two JSON values differ.
enum JSONDifference {
    /// "host_calls[2].arguments[0]: expected …, got …"; nil when they are equal.
    static func first(_ got: JSONValue, _ wanted: JSONValue, path: String = "") -> String? {
        if got == wanted { return nil }
        switch (got, wanted) {
        case (.object(let a), .object(let b)):
            for key in b.keys + a.keys.filter({ b[$0] == nil }) {
                let place = path.isEmpty ? key : "\(path).\(key)"
                switch (a[key], b[key]) {
                case (let x?, let y?): if let found = first(x, y, path: place) { return found }
                case (let x?, nil): return "\(place): nothing was expected, got \(show(x))"
                case (nil, let y?): return "\(place): expected \(show(y)), got nothing"
                case (nil, nil): break
                }
            }
            return nil
        case (.array(let a), .array(let b)):
            for index in 0..<min(a.count, b.count) {
                if let found = first(a[index], b[index], path: "\(path)[\(index + 1)]") { return found }
            }
            return "\(path): expected \(b.count) elements, got \(a.count)"
        default: return "\(path.isEmpty ? "the value" : path): expected \(show(wanted)), got \(show(got))"
        }
    }

    private static func show(_ value: JSONValue) -> String {
        let text = value.compact
        return text.count <= 160 ? text : text.prefix(157) + "…"
    }
}
