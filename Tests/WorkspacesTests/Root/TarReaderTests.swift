import TestSupport
import Testing

@testable import Workspaces

@Suite struct SandboxTarReaderTests {
    /// What a reader makes of a tar that comes in pieces of some size: members, and the contents of files.
    private func read(_ bytes: [UInt8], pieces: Int) throws -> ([TarMember], [[UInt8]]) {
        var reader = TarReader()
        var members: [TarMember] = []
        var contents: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            try reader.feed(Array(rest.prefix(pieces))) { event in
                switch event {
                case .member(let member):
                    members.append(member)
                    contents.append([])
                case .contents(let piece): contents[contents.count - 1] += piece
                }
            }
            rest = rest.dropFirst(pieces)
        }
        try reader.finish()
        return (members, contents)
    }

    private let sample = Tar.bytes([
        .init("a/", type: "5", mode: 0o755), .init("a/one", contents: Array("hello".utf8), mode: 0o4644),
        .init("a/block", contents: [UInt8](repeating: 7, count: 512)), .init("a/empty"),
        .init("a/" + String(repeating: "long/", count: 60) + "x", contents: [1], form: .gnu),
        .init("b/" + String(repeating: "pax/", count: 60) + "x", contents: [1, 2], form: .pax),
        .init("l", type: "2", link: "a/one"), .init("h", type: "1", link: "a/one"), .init("dev", type: "3"),
    ])

    @Test(arguments: [1, 7, 512, 513, 1 << 20])
    func `A tar is read the same in pieces of any size`(pieces: Int) throws {
        let (members, contents) = try read(sample, pieces: pieces)
        let names = members.map { String(decoding: $0.path, as: UTF8.self) }
        #expect(names.filter { $0.count < 100 } == ["a/", "a/one", "a/block", "a/empty", "l", "h", "dev"])
        #expect(names.filter { $0.count >= 100 }.map { $0.prefix(4) } == ["a/lo", "b/pa"])
        #expect(
            members.map(\.kind).suffix(3) == [
                .link(to: Array("a/one".utf8)), .hardLink(to: Array("a/one".utf8)), .device,
            ])
        #expect(
            contents[1] == Array("hello".utf8) && contents[2].count == 512 && contents[3].isEmpty
                && contents[5] == [1, 2])
        #expect(members[1].mode == 0o4644)
    }

    @Test func `What is cut off or no tar is an error`() {
        #expect(throws: TarError("it is no tar")) { _ = try read([], pieces: 1) }
        #expect(throws: TarError("it is no tar")) { _ = try read([UInt8](repeating: 65, count: 4096), pieces: 4096) }
        #expect(throws: TarError("it ends in the middle of a member")) {
            _ = try read(Array(sample[..<1100]), pieces: 100)
        }
        var damaged = sample
        damaged[512 + 20] ^= 1
        #expect(throws: TarError("a header's checksum is wrong")) { _ = try read(damaged, pieces: 4096) }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `Random damage is read or refused`(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<150 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let header = Int.random(in: 0..<bytes.count / 512, using: &random) * 512
                bytes[header + Int.random(in: 0..<512, using: &random)] = UInt8.random(in: 0...255, using: &random)
                // With the sum put right, the damage gets past it.
                if Bool.random(using: &random) { Tar.putSum(into: &bytes, at: header) }
            }
            bytes = Array(bytes[..<Int.random(in: 1...bytes.count, using: &random)])
            do {
                let (members, contents) = try read(bytes, pieces: Int.random(in: 1...2000, using: &random))
                for (member, content) in zip(members, contents) where member.kind == .file {
                    #expect(content.count == member.size)
                }
            } catch { #expect(error is TarError) }
        }
    }
}

/// Makes tars, also ones that no program would make.
enum Tar {
    struct Member {
        enum Form { case ustar, gnu, pax }
        var name: String
        var type: Character = "0"
        var link = ""
        var contents: [UInt8] = []
        var mode = 0o644
        var form = Form.ustar

        init(
            _ name: String, type: Character = "0", link: String = "", contents: [UInt8] = [], mode: Int = 0o644,
            form: Form = .ustar
        ) {
            (self.name, self.type, self.link, self.contents, self.mode, self.form) = (
                name, type, link, contents, mode, form
            )
        }
    }

    static func bytes(_ members: [Member]) -> [UInt8] {
        members.flatMap(bytes) + [UInt8](repeating: 0, count: 1024)
    }

    private static func bytes(_ member: Member) -> [UInt8] {
        switch member.form {
        case .ustar: return block(member, member.contents)
        case .gnu:
            let name = Member("././@LongLink", type: "L")
            return block(name, Array(member.name.utf8) + [0]) + block(member, member.contents)
        case .pax:
            let record = " path=\(member.name)\n"
            let length =
                [2, 3, 4].map { record.utf8.count + $0 }.first { "\($0)".utf8.count == $0 - record.utf8.count } ?? 0
            return block(Member("PaxHeader", type: "x"), Array("\(length)\(record)".utf8))
                + block(member, member.contents)
        }
    }

    private static func block(_ member: Member, _ contents: [UInt8]) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int, _ limit: Int) {
            for (index, byte) in text.utf8.prefix(limit).enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        put(member.name, 0, 100)
        put(octal(member.mode, 7), 100, 8)
        put(octal(contents.count, 11), 124, 12)
        put(octal(0, 11), 136, 12)
        put(String(member.type), 156, 1)
        put(member.link, 157, 100)
        put("ustar", 257, 6)
        put("00", 263, 2)
        putSum(into: &header, at: 0)
        return header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    static func putSum(into bytes: inout [UInt8], at header: Int) {
        for index in 148..<156 { bytes[header + index] = 32 }
        let sum = bytes[header..<min(header + 512, bytes.count)].reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        for (index, byte) in (String(repeating: "0", count: max(0, 6 - digits.count)) + digits).utf8.prefix(6)
            .enumerated()
        {
            bytes[header + 148 + index] = byte
        }
        bytes[header + 154] = 0
    }
}
