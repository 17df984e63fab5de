import CCrypto

/// Names made from content. None of them guards anything: MD5 and SHA-1 are what the ids' own conventions ask for.
enum Digest {
    static func md5(_ bytes: [UInt8]) -> [UInt8] { digest(bytes, EVP_md5()) }
    static func sha1(_ bytes: [UInt8]) -> [UInt8] { digest(bytes, EVP_sha1()) }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The name-based UUID (version 5 of RFC 9562) of `name` in ISE's own name space: tools and skills have names, where the
    /// record wants UUIDs.
    static func uuid(_ name: String) -> String {
        let nameSpace: [UInt8] = [
            0x1B, 0x6E, 0x0D, 0x52, 0x54, 0x7C, 0x4C, 0x1E, 0x9C, 0x3F, 0x6A, 0x55, 0x20, 0x9D, 0xB1, 0xE0,
        ]
        var bytes = Array(sha1(nameSpace + Array(name.utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        let groups = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16]
        return groups.map { hex(bytes[$0]) }.joined(separator: "-")
    }

    private static func digest(_ bytes: [UInt8], _ algorithm: OpaquePointer?) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let done = EVP_Digest(bytes, bytes.count, &out, &count, algorithm, nil)
        // It fails only where an administrator has taken the algorithm away, which no caller can mend.
        precondition(done == 1, "the OpenSSL library refuses a digest that ISE names things with")
        return Array(out.prefix(Int(count)))
    }
}
