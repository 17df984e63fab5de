import Glibc
import Testing
import WorkspaceShim

@testable import Workspaces

/// What parses bytes from the other side, fed with garbage.
@Suite(.serialized) struct FuzzTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// A short run; `tools/fuzz` makes a long one.
    @Test(.attack(91), arguments: ["files", "run", "programs"])
    func `D91 The init's parsers withstand the fuzzer`(target: String) async throws {
        let corpus = Self.root + "/Tests/AttackTests/corpus/" + target
        guard !hostEntries(corpus).isEmpty else { try skip("the sources are not here") }
        try await withHostDirectory { directory in
            let built = await runOnHost(
                "/bin/sh", ["-c", "'\(Self.root)/tools/fuzz' --build '\(directory)' 2>&1; echo status $?"])
            if built.hasSuffix("status 69\n") { try skip("no clang with libFuzzer: \(built.prefix(200))") }
            try #require(built.hasSuffix("status 0\n"), "\(built)")
            let options = "-runs=60000 -max_total_time=10 -max_len=2048 -seed=\(getpid())"
            let log = await runOnHost(
                "/bin/sh",
                [
                    "-c",
                    "cd '\(directory)' && mkdir new && ./fuzz_\(target) \(options) new '\(corpus)' 2>&1; echo status $?; rm -rf new",
                ])
            #expect(log.hasSuffix("status 0\n"), "\(log.suffix(3000))")
            #expect(log.contains("Done"))
        }
    }

    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    @Test(.attack(91), arguments: 1...8)
    func `D91 The host's parsers take any bytes`(seed: Int) throws {
        var random = Random(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
        var fields = 0
        for _ in 0..<4000 {
            var bytes = (0..<Int.random(in: 0..<300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Lengths that could be right, now and then, and ones just beyond.
            var at = 8
            while at + 8 <= bytes.count, Bool.random(using: &random) {
                let length = Int.random(
                    in: 0...(bytes.count - at - 8 + Int.random(in: 0...1, using: &random)), using: &random)
                withUnsafeBytes(of: UInt32(length)) { bytes.replaceSubrange(at + 4..<at + 8, with: $0) }
                at += 8 + length
            }
            guard let message = IncomingMessage(packet: bytes, descriptors: []) else {
                #expect(bytes.count < 8)
                continue
            }
            var covered = 0
            message.forEachField { field in
                fields += 1
                covered += 8 + field.bytes.count
                _ = field.number
                _ = field.string
                _ = FileStatus(field.bytes)
            }
            #expect(covered <= bytes.count - 8)
            _ = message.failure(path: "x").message
            _ = message.field(ISE_T_ENTRY)?.number
        }
        #expect(fields > 1000)
    }

    @Test(.attack(91)) func `D91 Reports of ends with any numbers are results`() async throws {
        var random = Random(state: 77)
        let reactor = try Reactor()
        for _ in 0..<500 {
            let command = RunningCommand(.shell("x"), reactor)
            var message = OutgoingMessage(ISE_EXITED, id: 1)
            for tag in ISE_T_STATUS.rawValue...ISE_T_LEFT.rawValue {
                let size = [0, 3, 4, 8, 8, 8, 20].randomElement(using: &random) ?? 8
                message.add(
                    ise_tag(rawValue: tag), bytes: (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
            let incoming = try #require(IncomingMessage(packet: message.bytes, descriptors: []))
            command.finish(report: incoming)
            _ = try await command.outcome.value.get()
        }
        reactor.stop()
    }
}
