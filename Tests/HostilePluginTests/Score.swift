import Glibc
import Synchronization

/// What became of the attacks, for the line at the end. One that is tried in several engines is stopped when it is in
/// all of them.
enum Score {
    private static let outcomes = Mutex<[String: Bool]>([:])

    /// Gives `isStopped` back, for the expectation.
    static func note(_ attack: String, _ isStopped: Bool) -> Bool {
        outcomes.withLock { outcomes in
            if outcomes.isEmpty { atexit { Score.report() } }
            outcomes[attack] = isStopped && outcomes[attack] ?? true
        }
        return isStopped
    }

    private static func report() {
        let all = outcomes.withLock { $0 }
        let succeeded = all.filter { !$0.value }.keys.sorted()
        let which = succeeded.isEmpty ? "" : " (\(succeeded.joined(separator: "; ")))"
        print(
            "hostile plugins: \(all.count) attacks, \(all.count - succeeded.count) stopped, "
                + "\(succeeded.count) succeeded\(which)")
        fflush(nil)
    }
}
