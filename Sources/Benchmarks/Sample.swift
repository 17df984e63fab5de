/// Times of one case, in microseconds.
struct Sample {
    private(set) var values: [Double] = []

    mutating func add(_ duration: Duration) {
        values.append(Double(duration.components.attoseconds) / 1e12 + Double(duration.components.seconds) * 1e6)
    }

    /// The value below which the share `p` of the times lies.
    func percentile(_ p: Double) -> Double {
        guard !values.isEmpty else { return .nan }
        let sorted = values.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * p))]
    }

    var median: Double { percentile(0.5) }
}

/// Cases that are measured in turn, one round after the other, so that a slow moment of the machine hits all of them.
struct Cases {
    private var cases: [(name: String, run: () async throws -> Duration)] = []
    private(set) var samples: [String: Sample] = [:]

    /// `run` returns the time that counts; what it does besides is set-up.
    mutating func add(_ name: String, _ run: @escaping () async throws -> Duration) {
        cases.append((name, run))
    }

    mutating func measure(rounds: Int) async throws {
        for round in 0..<rounds + 3 {
            for (name, run) in cases {
                let duration = try await run()
                if round >= 3 { samples[name, default: Sample()].add(duration) }  // the first three warm up
            }
        }
    }

    var names: [String] { cases.map(\.name) }
}

func timed(_ body: () async throws -> Void) async rethrows -> Duration {
    let clock = ContinuousClock()
    let start = clock.now
    try await body()
    return clock.now - start
}
