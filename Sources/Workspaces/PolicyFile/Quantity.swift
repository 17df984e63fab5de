/// Sizes and durations as people write them in policies.
enum Quantity {
    /// `64MiB`, `1.5 GB`, `512k`, `4096`: bytes. Letters alone count in powers of 1024, as with `ulimit` and containers. Nil: no size.
    static func bytes(_ text: String) -> Int? {
        split(text, among: byteUnits).flatMap { product($0, $1) }
    }

    /// `90s`, `500ms`, `2m`, `1.5h`, or a number of seconds. Nil: no duration.
    static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text, among: timeUnits), let nanoseconds = product(number, unit) else {
            return nil
        }
        return .nanoseconds(Int64(nanoseconds))
    }

    static func text(bytes: Int) -> String? {
        let unit = ["TiB", "GiB", "MiB", "KiB"].first { name in
            byteUnits[name.lowercased()].map { bytes >= $0 && bytes % $0 == 0 } ?? false
        }
        return unit.flatMap { name in byteUnits[name.lowercased()].map { "\(bytes / $0)\(name)" } }
    }

    static func text(_ duration: Duration) -> String {
        let nanoseconds = Int(duration.nanoseconds)
        let unit = ["s", "ms", "us", "ns"].first { nanoseconds % (timeUnits[$0] ?? 1) == 0 } ?? "ns"
        return "\(nanoseconds / (timeUnits[unit] ?? 1))\(unit)"
    }

    private static let byteUnits: [String: Int] = {
        var units = ["": 1, "b": 1]
        for (power, letter) in ["k", "m", "g", "t"].enumerated() {
            let binary = 1 << (10 * (power + 1))
            units[letter] = binary
            units[letter + "ib"] = binary
            units[letter + "b"] = (0...power).reduce(1) { product, _ in product * 1000 }
        }
        return units
    }()

    private static let timeUnits = [
        "ns": 1, "us": 1000, "ms": 1_000_000, "": 1_000_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
        "h": 3_600_000_000_000,
    ]

    /// The number in front, and what its unit stands for.
    private static func split(_ text: String, among units: [String: Int]) -> (String, Int)? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).drop { $0 == " " }.lowercased()
        return number.isEmpty ? nil : units[unit].map { (String(number), $0) }
    }

    private static func product(_ number: String, _ unit: Int) -> Int? {
        if let whole = Int(number) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
            return overflow ? nil : product
        }
        guard number.last != ".", number.first != ".", let value = Double(number) else { return nil }
        return Int(exactly: (value * Double(unit)).rounded())
    }
}
