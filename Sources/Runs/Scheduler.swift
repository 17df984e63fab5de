/// Does many things, a few at a time. When the surrounding task is cancelled nothing new is started, and what runs is
/// cancelled and waited for.
public struct Scheduler: Sendable {
    /// How many run at once.
    public let jobs: Int
    /// Awaited before each thing is started.
    public var gate: @Sendable () async -> Void = {}

    public init(jobs: Int) { self.jobs = max(1, jobs) }

    /// The results in the order of `items`, whatever the order in which they came; nil for those never started.
    public func run<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async -> Result
    ) async -> [Result?] {
        await withTaskGroup(of: (Int, Result).self) { group in
            var results = [Result?](repeating: nil, count: items.count)
            var next = 0
            func startNext() async {
                guard next < items.count, !Task.isCancelled else { return }
                await gate()
                guard !Task.isCancelled else { return }
                let index = next
                next += 1
                group.addTask { (index, await body(items[index])) }
            }
            for _ in 0..<jobs { await startNext() }
            while let (index, result) = await group.next() {
                results[index] = result
                await startNext()
            }
            return results
        }
    }
}
