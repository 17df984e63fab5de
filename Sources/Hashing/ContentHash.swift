import CCrypto

/// The SHA-256 of some bytes: the name of a blob, a link of the hash chain.
public struct ContentHash: Sendable, Hashable {
    /// The digest's 32 bytes, in memory order. No SIMD type: those are aligned to more than a task's stack grants.
    private let words: Words

    private struct Words: Sendable, Hashable { var a, b, c, d: UInt64 }

    /// The hash of `bytes`.
    public init(of bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { ContentHash(of: $0) }
    }

    /// The hash of the UTF-8 form of `text`.
    public init(of text: String) {
        var text = text
        self = text.withUTF8 { ContentHash(of: UnsafeRawBufferPointer($0)) }
    }

    public init(of bytes: UnsafeRawBufferPointer) {
        self.init { digest in EVP_Digest(bytes.baseAddress, bytes.count, digest, nil, Algorithm.sha256, nil) }
    }

    /// Parses 64 lower-case hexadecimal digits, with or without the prefix `sha256:`.
    /// Upper case is refused: a hash has one spelling.
    public init?(hex: some StringProtocol) {
        let digits = Array(hex.utf8)
        let prefix = Array(Self.prefix.utf8)
        self.init(hexDigits: digits.starts(with: prefix) ? digits[prefix.count...] : digits[...])
    }

    /// What stands before the digits where the kind of hash is spelled out.
    package static let prefix = "sha256:"

    /// What the first link of a chain holds.
    package static let zero = ContentHash(words: Words(a: 0, b: 0, c: 0, d: 0))

    package static let hexLength = 64

    private init(words: Words) { self.words = words }

    fileprivate init(filling digest: (UnsafeMutablePointer<UInt8>) -> CInt) {
        var words = Words(a: 0, b: 0, c: 0, d: 0)
        let status = withUnsafeMutableBytes(of: &words) { bytes in
            bytes.withMemoryRebound(to: UInt8.self) { $0.baseAddress.map(digest) }
        }
        // SHA-256 fails only when libcrypto is unusable; a hash that is not one must not get out.
        precondition(status == 1, "libcrypto cannot compute SHA-256")
        self.words = words
    }

    package init?(hexDigits digits: ArraySlice<UInt8>) {
        guard digits.count == Self.hexLength else { return nil }
        var words = Words(a: 0, b: 0, c: 0, d: 0)
        let valid = withUnsafeMutableBytes(of: &words) { bytes in
            for (index, position) in stride(from: digits.startIndex, to: digits.endIndex, by: 2).enumerated() {
                guard let high = Self.value(digits[position]), let low = Self.value(digits[position + 1]) else {
                    return false
                }
                bytes[index] = high << 4 | low
            }
            return true
        }
        guard valid else { return nil }
        self.words = words
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String {
        var digits: [UInt8] = []
        appendHex(to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    package func appendHex(to out: inout [UInt8]) {
        withUnsafeBytes(of: words) { bytes in
            for byte in bytes {
                out.append(Self.hexDigit(byte >> 4))
                out.append(Self.hexDigit(byte & 15))
            }
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    fileprivate enum Algorithm {
        /// Fetched once and for all: libcrypto's implicit fetch costs as much as hashing a kilobyte.
        /// Unsafe only to the compiler: the pointer and what it points at never change.
        nonisolated(unsafe) static let sha256 = EVP_MD_fetch(nil, "SHA256", nil) ?? EVP_sha256()
    }
}

extension ContentHash: CustomStringConvertible {
    /// `sha256:` and the digits: the form that stands in traces.
    public var description: String { Self.prefix + hex }
}

/// Hashes bytes that arrive in pieces.
public struct ContentHasher: ~Copyable {
    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        start()
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(status == 1, "libcrypto cannot compute SHA-256")
    }

    /// The hash of everything since the start or the last `finish`; the hasher can be used again.
    public mutating func finish() -> ContentHash {
        let hash = ContentHash { EVP_DigestFinal_ex(context, $0, nil) }
        start()
        return hash
    }

    private func start() {
        let status = EVP_DigestInit_ex(context, ContentHash.Algorithm.sha256, nil)
        precondition(status == 1, "libcrypto cannot compute SHA-256")
    }
}
