import JSON

/// What a benchmark has found: figures, notes, and ratios of figures of the same run.
struct Report {
    private var rows: [(name: String, text: String)] = []
    private var medians: [String: Double] = [:]
    private var figures = JSONObject()
    private var ratios = JSONObject()

    /// Times in microseconds.
    mutating func add(_ name: String, _ sample: Sample) {
        let row = [0.1, 0.5, 0.9].map { sample.percentile($0) }
        medians[name] = row[1]
        rows.append((name, row.map { pad(number($0)) }.joined() + " µs"))
        figures[name] = ["p10_us": .double(row[0]), "p50_us": .double(row[1]), "p90_us": .double(row[2])]
    }

    mutating func add(_ name: String, rate: Double) {
        medians[name] = rate
        rows.append((name, pad("") + pad(number(rate)) + pad("") + " /s"))
        figures[name] = ["per_second": .double(rate)]
    }

    mutating func note(_ name: String, _ value: String) {
        rows.append((name, pad("") + pad(value)))
        figures[name] = Int(value).map { .int($0) } ?? .string(value)
    }

    /// Left out when one of the two was not measured here.
    mutating func addRatio(_ name: String, _ a: String, _ b: String) {
        guard let x = medians[a], let y = medians[b], y > 0 else { return }
        ratios[name] = .double((x / y * 1000).rounded() / 1000)
    }

    var text: String {
        let width = (rows.map(\.name.count).max() ?? 0) + 2
        let head = String(repeating: " ", count: width) + ["p10", "median", "p90"].map { pad($0) }.joined()
        let lines = rows.map { $0.name + String(repeating: " ", count: width - $0.name.count) + $0.text }
        let ends = ratios.map { "\($0.key)  \($0.value)" }
        return ([head] + lines + ["", "Ratios of medians"] + ends).joined(separator: "\n")
    }

    var json: JSONValue { ["ratios": .object(ratios), "figures": .object(figures)] }

    private func number(_ value: Double) -> String {
        if value.isNaN { return "-" }
        return value < 10 ? String((value * 100).rounded() / 100) : String(Int(value.rounded()))
    }

    private func pad(_ text: String) -> String { String(repeating: " ", count: max(1, 10 - text.count)) + text }
}
