extension String {
    /// The text with everything in it that a terminal would act upon spelled out: control characters and escape
    /// sequences as `\x1b`, characters that reorder or hide text as `\u{202e}`. Newlines and tabs stay.
    public var visible: String {
        guard unicodeScalars.contains(where: \.needsSpelling) else { return self }
        var out = ""
        for scalar in unicodeScalars {
            switch scalar {
            case _ where !scalar.needsSpelling: out.unicodeScalars.append(scalar)
            case "\r": out += "\\r"
            case _ where scalar.value < 0x100:
                out += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: out += "\\u{" + String(scalar.value, radix: 16) + "}"
            }
        }
        return out
    }

    /// The same on one line, so that it cannot pass for another one.
    public var visibleLine: String {
        let scalars = visible.unicodeScalars
        guard scalars.contains("\n") else { return visible }
        return String(String.UnicodeScalarView(scalars.map { $0 == "\n" ? "⏎" : $0 }))
    }
}

extension Unicode.Scalar {
    fileprivate var needsSpelling: Bool {
        switch value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F: true
        // Zero-width and direction marks, line and paragraph separators, embeddings and isolates, the byte order mark.
        case 0x061C, 0x200B, 0x200E, 0x200F, 0x2060, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        // Tags: invisible ASCII.
        case 0xE0000...0xE007F: true
        default: false
        }
    }
}
