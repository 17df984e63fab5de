import JSON
import TestSupport
import Trace

/// A trace in a directory of its own.
struct TestTrace {
    let directory: TemporaryDirectory
    let writer: TraceWriter

    init(id: String = "t1") throws {
        directory = try TemporaryDirectory()
        let store = ContentStore(directory: directory.file("blobs"))
        writer = try TraceWriter(id: id, in: directory.path, store: store)
    }

    /// What has been written so far.
    func events() throws -> [TraceRecord] {
        try? writer.flush()  // a finished writer has nothing left
        let finished = directory.files().contains("\(writer.id).jsonl")
        var reader = try TraceReader(path: directory.file("\(writer.id).jsonl\(finished ? "" : ".part")"))
        var events: [TraceRecord] = []
        while let event = try reader.next() { events.append(event) }
        return events
    }

    func events(_ kind: TraceEvent.Kind) throws -> [TraceRecord] { try events().filter { $0.kind == kind } }
}
