/// A static program that the build has compiled and put into a constant.
public enum EmbeddedProgram {
    /// The constant is made by the build, so anything but the alphabet is only padding.
    public static func decode(_ base64: StaticString) -> [UInt8] { base64.withUTF8Buffer(decode) }

    private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var values = [UInt8](repeating: 0xff, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, letter) in alphabet.utf8.enumerated() { values[Int(letter)] = UInt8(value) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var word: UInt32 = 0
        var bits = 0
        for letter in text where values[Int(letter)] != 0xff {
            word = word << 6 | UInt32(values[Int(letter)])
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }
}
