/// Real input that the tests of two modules share.
enum Fixtures {
    /// The four published intents.
    static let intents: String = {
        let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(tests)/IntentsTests/Fixtures/intents.jsonl"
    }()
}
