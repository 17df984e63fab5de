import Glibc
import JSON
import TestSupport
import Testing
import Trace

@Suite struct TraceVerifierTests {
    private let bench: TraceBench
    private let receipt: TraceReceipt
    private let bytes: [UInt8]

    init() async throws {
        bench = try TraceBench()
        receipt = try await bench.finishedTrace()
        bytes = try readFile(receipt.path)
    }

    private var lines: [[UInt8]] { bytes.split(separator: UInt8(ascii: "\n")).map(Array.init) }

    private func verify(_ bytes: [UInt8], expecting digest: ContentHash? = nil) throws -> TraceVerification {
        try bench.directory.write("altered.jsonl", bytes)
        return try TraceVerifier(store: bench.store).verify(bench.directory.file("altered.jsonl"), expecting: digest)
    }

    private func verify(_ lines: [[UInt8]]) throws -> TraceVerification {
        try verify(lines.flatMap { $0 + [UInt8(ascii: "\n")] })
    }

    @Test func `an untouched trace is intact`() throws {
        let result = try TraceVerifier(store: bench.store).verify(receipt.path, expecting: receipt.digest)
        #expect(result.problems.isEmpty)
        #expect(result.events == receipt.events)
        #expect(result.outcome == "completed")
        #expect(result.digest == receipt.digest)
        #expect(result.blobs == 1)
    }

    @Test func `every flipped byte is found, and its line named`() throws {
        var random = SplitMix(seed: 1)
        var position = 0
        for (index, line) in lines.enumerated() {
            for offset in 0...line.count {
                // Long lines are sampled; their first and last bytes, the newline and the structure are not.
                let isStructure = "{}[]:,\"\n".utf8.contains(bytes[position + offset])
                let isEdge = offset < 8 || line.count - offset < 80
                guard isStructure || isEdge || Int.random(in: 0..<8, using: &random) == 0 else { continue }
                var altered = bytes
                altered[position + offset] ^= [1, 2, 4, 0x20, 0x80, 0xFF].randomElement(using: &random) ?? 1
                let result = try verify(altered)
                let named = Set(result.problems.map(\.line))
                let culprits: Set = offset == line.count ? [index + 1, index + 2] : [index + 1]
                #expect(!named.isDisjoint(with: culprits), "byte \(position + offset): \(result.problems)")
            }
            position += line.count + 1
        }
    }

    @Test func `every dropped line is found`() throws {
        for index in lines.indices {
            var altered = lines
            altered.remove(at: index)
            let result = try verify(altered)
            let isLast = index == lines.count - 1
            let expected = isLast ? (TraceProblem.Kind.missingEnd, index) : (.sequence, index + 1)
            #expect(result.problems.contains { ($0.kind, $0.line) == expected }, "line \(index + 1)")
        }
    }

    @Test func `numbers beyond all bounds are found`() throws {
        for number in [Int.max, .min, .min + 1] {
            for index in lines.indices {
                var altered = lines
                let text = String(decoding: altered[index], as: UTF8.self)
                altered[index] = Array(text.replacing("\"seq\":\(index)", with: "\"seq\":\(number)").utf8)
                #expect(altered[index] != lines[index])
                #expect(try !verify(altered).problems.isEmpty)
            }
        }
    }

    @Test func `every swap of neighbours is found`() throws {
        for index in lines.indices.dropLast() {
            var altered = lines
            altered.swapAt(index, index + 1)
            let named = try verify(altered).problems.map(\.line)
            #expect(named.contains(index + 1) || named.contains(index + 2), "line \(index + 1)")
        }
    }

    @Test func `every repeated line is found`() throws {
        for index in lines.indices {
            var altered = lines
            altered.insert(altered[index], at: index)
            #expect(try verify(altered).problems.contains { $0.line == index + 2 }, "line \(index + 1)")
        }
    }

    @Test func `every cut tail is found`() throws {
        for length in 0..<bytes.count {
            // Between the ends of two lines all lengths are alike: a few of each will do.
            guard
                length % 37 == 0 || bytes[max(length - 1, 0)] == UInt8(ascii: "\n")
                    || bytes[length] == UInt8(ascii: "\n")
            else { continue }
            let kinds = Set(try verify(Array(bytes[..<length])).problems.map(\.kind))
            #expect(!kinds.isDisjoint(with: [.missingEnd, .tornTail]), "cut to \(length) bytes")
        }
    }

    @Test func `bytes after the end are found`() throws {
        for extra in ["\n", "x", String(decoding: lines[0], as: UTF8.self) + "\n"] {
            let problem = try #require(try verify(bytes + Array(extra.utf8)).problems.first)
            #expect(problem.kind == .afterEnd)
            #expect(problem.line == lines.count + 1)
        }
    }

    @Test func `an edited line is told from its neighbours`() throws {
        for index in lines.indices.dropLast() {
            var altered = lines
            altered[index] = Array(text(altered[index]).replacing("\"type\"", with: "\"type\" ").utf8)
            let problems = try verify(altered).problems
            #expect(problems.map(\.line) == [index + 1])
            #expect(problems.map(\.kind) == [.edited])
        }
    }

    @Test func `a missing and an altered blob are found`() throws {
        let payloads = try records(of: receipt.path).records.map { JSONValue.object($0.payload) }
        let blob = try #require(payloads.flatMap(\.blobReferences).first)
        let path = bench.store.path(of: blob.hash)
        var altered = try readFile(path)
        altered[100] ^= 1
        try writeFile(path, altered)
        #expect(try verify(bytes).problems.map(\.kind) == [.alteredBlob])
        unlink(path)
        let problems = try verify(bytes).problems
        #expect(problems.map(\.kind) == [.missingBlob])
        #expect(problems.first?.description.contains(blob.hash.hex) == true)
        #expect(try TraceVerifier(store: nil).verify(receipt.path).isIntact)
    }

    @Test func `another intact trace is found by the digest`() async throws {
        let other = try await bench.finishedTrace("t2")
        let result = try TraceVerifier(store: bench.store).verify(other.path, expecting: receipt.digest)
        #expect(result.problems.map(\.kind) == [.digest])
    }

    @Test func `a call that is answered twice, or never, is found`() throws {
        func chained(_ events: [String]) -> [[UInt8]] {
            var previous = String(repeating: "0", count: 64)
            return events.enumerated().map { index, event in
                let head = #"{"seq":\#(index),"time":"2024-01-01T00:00:00.000Z","turn":null,"#
                let line = Array((head + event + #","prev":"\#(previous)"}"#).utf8)
                previous = ContentHash(of: line).hex
                return line
            }
        }
        let call = #""type":"tool_call","parent":null"#
        let result = #""type":"tool_result","parent":0"#
        #expect(try verify(chained([call, result])).problems.map(\.kind) == [.missingEnd])
        #expect(try verify(chained([call, result, result])).problems.map(\.kind).contains(.pairing))
        #expect(try verify(chained([call, #""type":"end","parent":null"#])).problems.map(\.kind).contains(.pairing))
    }

    @Test func `a file that is no trace has a bounded list of problems`() throws {
        let noise = Array(String(repeating: "not json\n", count: 5000).utf8)
        let result = try verify(noise)
        #expect(!result.isIntact)
        #expect(result.problems.count <= TraceVerifier.maximumProblems + 1)
        #expect(try verify([UInt8]()).problems.map(\.kind) == [.missingEnd])
    }

    @Test func `a missing file is an error`() {
        let error = #expect(throws: TraceError.self) {
            try TraceVerifier(store: nil).verify(bench.directory.file("none.jsonl"))
        }
        #expect(error?.code == .notFound)
    }
}
