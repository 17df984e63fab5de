/// Colours for a terminal, when they are wanted.
struct TerminalStyle: Sendable {
    var isOn: Bool

    enum Style: String { case bold = "1", dim = "2", red = "31", green = "32", yellow = "33", blue = "34", cyan = "36" }

    /// `text` comes from a recording: it is made visible here, so that no caller can forget it.
    func callAsFunction(_ style: Style, _ text: String) -> String {
        isOn ? "\u{1b}[\(style.rawValue)m\(text.visibleLine)\u{1b}[0m" : text.visibleLine
    }
}
