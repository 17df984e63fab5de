import Testing
import Trace

@Suite struct ContentHashTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func `it is SHA-256`(text: String, hex: String) {
        #expect(ContentHash(of: text).hex == hex)
        #expect(ContentHash(of: Array(text.utf8)).description == "sha256:" + hex)
    }

    @Test func `pieces hash like the whole, and the hasher starts anew`() {
        let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 * 31) }
        var hasher = ContentHasher()
        for _ in 0..<2 {
            for start in stride(from: 0, to: bytes.count, by: 617) {
                hasher.update(Array(bytes[start..<min(start + 617, bytes.count)]))
            }
            #expect(hasher.finish() == ContentHash(of: bytes))
        }
    }

    @Test func `it has one spelling`() throws {
        let hash = ContentHash(of: "x")
        #expect(ContentHash(hex: hash.hex) == hash)
        #expect(ContentHash(hex: hash.description) == hash)
        #expect(ContentHash(hex: hash.hex.uppercased()) == nil)
        #expect(ContentHash(hex: hash.hex.dropLast()) == nil)
        #expect(ContentHash(hex: hash.hex + "0") == nil)
        #expect(ContentHash(hex: "g" + hash.hex.dropFirst()) == nil)
    }
}
