/// "Did you mean …?"
public enum Suggestion {
    /// The candidate that is most like `name`, nil when none is near: a third of the letters may differ,
    /// and two more.
    public static func closest(to name: String, among candidates: some Sequence<String>) -> String? {
        let limit = name.utf8.count / 3 + 2
        let letters = Array(name.utf8)
        // Names of strangers may be as long as they like: what differs by its length alone is not looked at.
        let near = candidates.filter { abs($0.utf8.count - letters.count) <= limit }
        let ranked = near.map { (candidate: $0, distance: distance(letters, Array($0.utf8))) }
            .filter { $0.distance <= limit && $0.distance < max(letters.count, 2) }
        return ranked.min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }?.candidate
    }

    /// "; did you mean \"…\"?" or nothing.
    public static func question(for name: String, among candidates: some Sequence<String>) -> String {
        closest(to: name, among: candidates).map { "; did you mean \"\($0)\"?" } ?? ""
    }

    /// Levenshtein.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let substituted = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j + 1] + 1, row[j] + 1)
            }
        }
        return row[b.count]
    }
}
