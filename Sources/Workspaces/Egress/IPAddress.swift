import Glibc

/// An IPv4 or IPv6 address.
struct IPAddress: Hashable, Sendable {
    /// 4 or 16, in network order.
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Only the full spelling: four decimal numbers without leading zeros, or an IPv6 address without brackets and
    /// zone.
    init?(_ text: String) {
        var space = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &space) == 1 {
            bytes = Array(space[..<4])
        } else if inet_pton(AF_INET6, text, &space) == 1 {
            bytes = space
        } else {
            return nil
        }
    }

    init?(_ address: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET: bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr, Array.init)
        case AF_INET6: bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr, Array.init)
        default: return nil
        }
    }

    var family: Int32 { bytes.count == 4 ? AF_INET : AF_INET6 }

    func withSocketAddress<Result>(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if bytes.count == 4 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: bytes) }
            return Self.erased(&address, body)
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: bytes) }
        return Self.erased(&address, body)
    }

    private static func erased<Address, Result>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}

extension IPAddress: CustomStringConvertible {
    var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(family, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// As it stands before a port.
    var inAuthority: String { bytes.count == 4 ? description : "[\(description)]" }
}

// MARK: What no name may lead to

extension IPAddress {
    /// What kind of address it is when it is not one of the public internet's; nil: it is.
    ///
    /// A name that resolves to such an address is how programs are led to what only this host can reach: its own
    /// services, its network's, the cloud's metadata.
    var restriction: String? {
        if bytes.count == 4 { return Self.match(bytes, Self.restricted4) }
        if let embedded, let restriction = embedded.restriction { return "\(restriction) (\(embedded)) in disguise" }
        if let kind = Self.match(bytes, Self.restricted6) { return kind }
        // Of IPv6 only 2000::/3 is given out; the rest is local, reserved, or an IPv4 address in another spelling.
        return bytes[0] & 0xe0 == 0x20 || embedded != nil ? nil : "a reserved address"
    }

    /// The IPv4 address that a packet to this one would reach in the end: v4-mapped, NAT64, 6to4.
    private var embedded: IPAddress? {
        guard bytes.count == 16 else { return nil }
        if bytes[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] { return IPAddress(bytes: Array(bytes[12...])) }
        if bytes[..<12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] {
            return IPAddress(bytes: Array(bytes[12...]))
        }
        if bytes[..<2] == [0x20, 0x02] { return IPAddress(bytes: Array(bytes[2..<6])) }
        return nil
    }

    private typealias Range = (prefix: [UInt8], bits: Int, kind: String)

    private static let restricted4: [Range] = [
        ([0], 8, "an unspecified address"), ([10], 8, "a private address"),
        ([100, 64], 10, "a carrier's private address"),
        ([127], 8, "a loopback address"), ([169, 254], 16, "a link-local or metadata address"),
        ([172, 16], 12, "a private address"), ([192, 0, 0], 24, "a reserved address"),
        ([192, 0, 2], 24, "a documentation address"), ([192, 88, 99], 24, "a reserved address"),
        ([192, 168], 16, "a private address"), ([198, 18], 15, "a benchmarking address"),
        ([198, 51, 100], 24, "a documentation address"), ([203, 0, 113], 24, "a documentation address"),
        ([168, 63, 129, 16], 32, "a metadata address"),  // Azure's, among public ones
        ([224], 4, "a multicast address"), ([240], 4, "a reserved address"),
    ]

    private static let restricted6: [Range] = [
        ([UInt8](repeating: 0, count: 16), 128, "an unspecified address"),
        ([UInt8](repeating: 0, count: 15) + [1], 128, "a loopback address"),
        ([0xfc], 7, "a private address"), ([0xfe, 0x80], 10, "a link-local address"),
        ([0xfe, 0xc0], 10, "a private address"), ([0xff], 8, "a multicast address"),
        ([0x20, 0x01, 0], 23, "a reserved address"),  // Teredo and other tunnels
        ([0x20, 0x01, 0x0d, 0xb8], 32, "a documentation address"), ([0x3f, 0xff, 0], 20, "a documentation address"),
    ]

    private static func match(_ bytes: [UInt8], _ ranges: [Range]) -> String? {
        ranges.first { range in
            range.prefix.indices.allSatisfy { index in
                let bits = min(8, range.bits - index * 8)
                return (bytes[index] ^ range.prefix[index]) >> UInt8(8 - bits) == 0
            }
        }?.kind
    }
}
