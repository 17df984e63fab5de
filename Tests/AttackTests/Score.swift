import Glibc
import Synchronization
import Testing

/// What became of the catalogue's cases, for the line at the end. A case with several tests counts as stopped when all are.
enum Score {
    private enum Outcome { case stopped, succeeded, skipped(String) }
    private static let outcomes = Mutex<[Int: [Outcome]]>([:])

    static func note(_ number: Int, issues: Int, skipped: String?) {
        outcomes.withLock { outcomes in
            if outcomes.isEmpty { atexit { Score.report() } }
            outcomes[number, default: []].append(issues > 0 ? .succeeded : skipped.map(Outcome.skipped) ?? .stopped)
        }
    }

    private static func report() {
        let all = outcomes.withLock { $0 }
        var stopped = 0
        var succeeded: [Int] = []
        var skipped: [String] = []
        var inPart: [String] = []
        for (number, results) in all.sorted(by: { $0.key < $1.key }) {
            var reason: String?
            var isStopped = false
            var isSucceeded = false
            for result in results {
                switch result {
                case .stopped: isStopped = true
                case .succeeded: isSucceeded = true
                case .skipped(let why): reason = why
                }
            }
            let line = reason.map { "D\(number): \($0)" }
            if isSucceeded {
                succeeded.append(number)
            } else if isStopped {
                stopped += 1
                inPart += [line].compactMap { $0 }
            } else {
                skipped += [line].compactMap { $0 }
            }
        }
        let which = succeeded.isEmpty ? "" : " (\(succeeded.map { "D\($0)" }.joined(separator: ", ")))"
        let why = skipped.isEmpty ? "" : " (\(skipped.joined(separator: "; ")))"
        print(
            "attack suite: \(all.count) cases, \(stopped) stopped, \(succeeded.count) succeeded\(which), "
                + "\(skipped.count) skipped\(why)"
                + (inPart.isEmpty ? "" : "; in part only: \(inPart.joined(separator: "; "))"))
        fflush(nil)
    }
}

/// Marks a test as one of the catalogue's cases.
struct AttackTrait: TestTrait, TestScoping {
    let numbers: [Int]

    @TaskLocal static var skipReason: Box?

    final class Box: Sendable {
        let reason = Mutex<String?>(nil)
        let issues = Atomic(0)
    }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let box = Box()
        let counting = IssueHandlingTrait.compactMapIssues { issue in
            box.issues.add(1, ordering: .relaxed)
            return issue
        }
        let result: Result<Void, any Error>
        do {
            try await Self.$skipReason.withValue(box) {
                try await counting.provideScope(for: test, testCase: testCase, performing: function)
            }
            result = .success(())
        } catch {
            result = .failure(error)
            if box.reason.withLock({ $0 }) == nil { box.issues.add(1, ordering: .relaxed) }
        }
        for number in numbers {
            Score.note(number, issues: box.issues.load(ordering: .relaxed), skipped: box.reason.withLock { $0 })
        }
        try result.get()
    }
}

extension Trait where Self == AttackTrait {
    static func attack(_ numbers: Int...) -> Self { AttackTrait(numbers: numbers) }
}

/// Ends a test whose case this machine cannot show.
func skip(_ reason: String) throws -> Never {
    AttackTrait.skipReason?.reason.withLock { $0 = reason }
    try Test.cancel("\(reason)")
}
