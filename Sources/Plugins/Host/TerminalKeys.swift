/// The bytes that a terminal sends for a key, by the names that tmux and models use: "Enter", "Tab", "Up", "F5", "C-c"
/// (control), "M-x" (alt). A single character stands for itself.
enum TerminalKeys {
    static func bytes(_ name: String) -> [UInt8]? {
        if let sequence = named[name.lowercased()] { return Array(sequence.utf8) }
        if name.count == 1 { return Array(name.utf8) }
        for prefix in ["M-", "Alt-", "alt-", "A-"] where name.hasPrefix(prefix) {
            return bytes(String(name.dropFirst(prefix.count))).map { [0x1b] + $0 }
        }
        for prefix in ["C-", "Ctrl-", "ctrl-", "Control-", "c-", "^"] where name.hasPrefix(prefix) {
            let rest = name.dropFirst(prefix.count)
            return rest.utf8.count == 1 ? rest.utf8.first.flatMap(control).map { [$0] } : nil
        }
        return nil
    }

    static var names: [String] { named.keys.sorted() }

    private static func control(_ letter: UInt8) -> UInt8? {
        switch letter {
        case 0x61...0x7a: letter - 0x60
        case 0x40...0x5f: letter - 0x40
        case 0x3f: 0x7f
        case 0x20: 0
        default: nil
        }
    }

    private static let named: [String: String] = [
        "enter": "\r", "return": "\r", "tab": "\t", "escape": "\u{1b}", "esc": "\u{1b}", "space": " ",
        "backspace": "\u{7f}", "bspace": "\u{7f}", "delete": "\u{1b}[3~", "insert": "\u{1b}[2~", "up": "\u{1b}[A",
        "down": "\u{1b}[B", "right": "\u{1b}[C", "left": "\u{1b}[D", "home": "\u{1b}[H", "end": "\u{1b}[F",
        "pageup": "\u{1b}[5~", "pgup": "\u{1b}[5~", "pagedown": "\u{1b}[6~", "pgdn": "\u{1b}[6~", "btab": "\u{1b}[Z",
        "f1": "\u{1b}OP", "f2": "\u{1b}OQ", "f3": "\u{1b}OR", "f4": "\u{1b}OS", "f5": "\u{1b}[15~",
        "f6": "\u{1b}[17~", "f7": "\u{1b}[18~", "f8": "\u{1b}[19~", "f9": "\u{1b}[20~", "f10": "\u{1b}[21~",
        "f11": "\u{1b}[23~", "f12": "\u{1b}[24~",
    ]
}
