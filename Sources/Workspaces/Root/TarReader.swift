/// Reads a tar as its bytes come, in memory that does not grow with it.
struct TarReader {
    enum Event {
        case member(TarMember)
        /// Of the file member that came last.
        case contents(ArraySlice<UInt8>)
    }

    private enum State {
        case header
        /// Contents of a member: how much is left, and the zeros after it.
        case contents(left: Int, padding: Int, isWanted: Bool)
        /// What stands for the next member in a header of its own.
        case extra(type: UInt8, left: Int, padding: Int)
        case end
    }

    private var state = State.header
    private var pending: [UInt8] = []
    private var extra = Extra()
    private(set) var members = 0

    /// What extra headers say of the next member, which the ustar fields have no room for.
    private struct Extra {
        var path: [UInt8]?
        var link: [UInt8]?
        var size: Int?
        var owner: UInt32?
        var group: UInt32?
    }

    /// Of one extra header: a path has at most a few thousand bytes, but there are attributes beside.
    private static let extraLimit = 1 << 20

    mutating func feed(_ bytes: [UInt8], _ handle: (Event) throws -> Void) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            switch state {
            case .header: try takeHeader(&rest, handle)
            case .contents(let left, let padding, let isWanted):
                let piece = rest.prefix(left)
                rest = rest.dropFirst(piece.count)
                if isWanted, !piece.isEmpty { try handle(.contents(piece)) }
                let zeros = left == piece.count ? min(padding, rest.count) : 0
                rest = rest.dropFirst(zeros)
                go(on: .contents(left: left - piece.count, padding: padding - zeros, isWanted: isWanted))
            case .extra(let type, let left, let padding):
                let piece = rest.prefix(left)
                rest = rest.dropFirst(piece.count)
                pending += piece
                let zeros = left == piece.count ? min(padding, rest.count) : 0
                rest = rest.dropFirst(zeros)
                go(on: .extra(type: type, left: left - piece.count, padding: padding - zeros))
                if case .header = state { try takeExtra(type) }
            case .end: return  // what follows the end is filling
            }
        }
    }

    /// The input is over.
    func finish() throws(TarError) {
        switch state {
        case .end: return
        case .header where pending.isEmpty && members > 0: return  // some programs leave out the two blocks of zeros
        default: throw TarError(members == 0 ? "it is no tar" : "it ends in the middle of a member")
        }
    }

    private mutating func go(on next: State) {
        switch next {
        case .contents(0, 0, _), .extra(_, 0, 0): state = .header
        default: state = next
        }
    }

    private mutating func takeHeader(_ rest: inout ArraySlice<UInt8>, _ handle: (Event) throws -> Void) throws {
        let piece = rest.prefix(TarHeader.size - pending.count)
        pending += piece
        rest = rest.dropFirst(piece.count)
        guard pending.count == TarHeader.size else { return }
        let header = TarHeader(bytes: pending)
        pending = []
        if header.isZero {
            state = .end
            return
        }
        do throws(TarError) { try header.check() } catch { throw members == 0 ? TarError("it is no tar") : error }
        try take(header, handle)
    }

    private mutating func take(_ header: TarHeader, _ handle: (Event) throws -> Void) throws {
        let own = try header.number(124..<136)
        let size = extra.size ?? own
        let padding = (TarHeader.size - size % TarHeader.size) % TarHeader.size
        switch header.type {
        case UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
            guard own <= Self.extraLimit else { throw TarError("an extra header has \(own) bytes") }
            go(
                on: .extra(
                    type: header.type, left: own, padding: (TarHeader.size - own % TarHeader.size) % TarHeader.size))
            if own == 0 { try takeExtra(header.type) }
            return
        case UInt8(ascii: "V"):  // a label
            go(on: .contents(left: size, padding: padding, isWanted: false))
        default:
            let member = try member(header, size: size)
            members += 1
            try handle(.member(member))
            let hasContents = member.kind == .file
            go(on: .contents(left: hasContents ? size : 0, padding: hasContents ? padding : 0, isWanted: true))
        }
        extra = Extra()
    }

    private func member(_ header: TarHeader, size: Int) throws -> TarMember {
        let link = extra.link ?? header.linkName
        let path = extra.path ?? header.name
        let kind: TarMember.Kind =
            switch header.type {
            case 0 where path.last == UInt8(ascii: "/"): .directory
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): .file
            case UInt8(ascii: "1"): .hardLink(to: link)
            case UInt8(ascii: "2"): .link(to: link)
            case UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "6"): .device
            case UInt8(ascii: "5"): .directory
            default: throw TarError("it has a member of an unknown type (\(header.type)), such as a sparse file")
            }
        func id(_ field: Range<Int>) -> UInt32 { (try? header.number(field)).flatMap { UInt32(exactly: $0) } ?? 0 }
        return TarMember(
            path: path, kind: kind, size: kind == .file ? size : 0, mode: UInt32(try header.number(100..<108) & 0o7777),
            owner: extra.owner ?? id(108..<116), group: extra.group ?? id(116..<124))
    }

    private mutating func takeExtra(_ type: UInt8) throws {
        defer { pending = [] }
        switch type {
        case UInt8(ascii: "L"): extra.path = Array(pending.prefix { $0 != 0 })
        case UInt8(ascii: "K"): extra.link = Array(pending.prefix { $0 != 0 })
        case UInt8(ascii: "x"): try takeRecords()
        default: break  // global headers say nothing of what is used here
        }
    }

    /// "LENGTH KEY=VALUE\n", where LENGTH counts all of it.
    private mutating func takeRecords() throws {
        var rest = pending[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0 != 32 }
            guard let length = Int(String(decoding: digits, as: UTF8.self)), length > digits.count + 1,
                length <= rest.count
            else { throw TarError("an extra header is broken") }
            let record = rest.prefix(length).dropFirst(digits.count + 1).dropLast()
            rest = rest.dropFirst(length)
            let key = String(decoding: record.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            let value = Array(record.dropFirst(key.utf8.count + 1))
            let text = String(decoding: value, as: UTF8.self)
            switch key {
            case "path": extra.path = value
            case "linkpath": extra.link = value
            case "size":
                guard let size = Int(text), size >= 0 else { throw TarError("an extra header holds no size") }
                extra.size = size
            case "uid": extra.owner = UInt32(text) ?? 0
            case "gid": extra.group = UInt32(text) ?? 0
            case _ where key.hasPrefix("GNU.sparse."): throw TarError("it has a sparse file, which is not read")
            default: break
            }
        }
    }
}
