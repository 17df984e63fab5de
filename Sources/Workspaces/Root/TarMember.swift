/// One member of a tar.
struct TarMember: Equatable {
    enum Kind: Equatable {
        case file, directory, device
        case link(to: [UInt8])
        /// Another name of a member that came before.
        case hardLink(to: [UInt8])
    }

    var path: [UInt8]
    var kind: Kind
    var size: Int
    var mode: UInt32
    var owner: UInt32
    var group: UInt32
}

/// Why bytes are no tar that can be used.
struct TarError: Error, Equatable {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// The 512 bytes before a member's contents: ustar (POSIX.1-1988), as GNU and POSIX.1-2001 extend it.
struct TarHeader {
    static let size = 512
    let bytes: [UInt8]

    var isZero: Bool { bytes.allSatisfy { $0 == 0 } }
    var type: UInt8 { bytes[156] }
    /// Magic and version; the old GNU format has no prefix field.
    private var hasPrefix: Bool { bytes[257..<263].elementsEqual(Array("ustar\0".utf8)) }

    /// Its checksum counts its own field as spaces; some old programs summed signed bytes.
    func check() throws(TarError) {
        let field = 148..<156
        let unsigned = bytes.enumerated().reduce(0) { $0 + (field.contains($1.offset) ? 32 : Int($1.element)) }
        let signed = bytes.enumerated().reduce(0) {
            $0 + (field.contains($1.offset) ? 32 : Int(Int8(bitPattern: $1.element)))
        }
        let sum = try number(field)
        guard sum == unsigned || sum == signed else { throw TarError("a header's checksum is wrong") }
    }

    var name: [UInt8] {
        let name = text(0..<100)
        let prefix = hasPrefix ? text(345..<500) : []
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }
    var linkName: [UInt8] { text(157..<257) }

    /// Octal digits, or, with the first bit set, a binary number.
    func number(_ field: Range<Int>) throws(TarError) -> Int {
        guard bytes[field.lowerBound] & 0x80 == 0 else {
            guard bytes[field.lowerBound] == 0x80, bytes[field].dropFirst().dropLast(7).allSatisfy({ $0 == 0 }) else {
                throw TarError("a header holds a number out of range")
            }
            return bytes[field].suffix(7).reduce(0) { $0 << 8 | Int($1) }
        }
        var value = 0
        let digits = bytes[field].drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        for digit in digits {
            guard (48...55).contains(digit) else { throw TarError("a header holds a number that is not octal") }
            value = value << 3 | Int(digit - 48)
        }
        return value
    }

    private func text(_ field: Range<Int>) -> [UInt8] { Array(bytes[field].prefix { $0 != 0 }) }
}
