import Dialogue
import Glibc
import Synchronization

/// Shows progress on standard error: one live line on a terminal, a plain line now and then elsewhere.
public final class ProgressDisplay: Sendable {
    private struct State {
        var progress: Progress
        var lastLine: ContinuousClock.Instant
        /// The live line on the terminal, or the last plain one.
        var shown = ""
    }

    private let state: Mutex<State>
    private let start = ContinuousClock.now
    private let isTerminal: Bool
    private let write: @Sendable (String) -> Void

    private static let redrawEvery = Duration.milliseconds(250)
    private static let plainLineEvery = Duration.seconds(5)

    /// - Parameter write: gets every piece of output; standard error unless given.
    public init(
        planned: Int, isTerminal: Bool = isatty(2) == 1, write: @escaping @Sendable (String) -> Void = printError
    ) {
        state = Mutex(State(progress: Progress(planned: planned), lastLine: start))
        self.isTerminal = isTerminal
        self.write = write
    }

    public func started() { update { $0.start() } }

    public func finished(_ result: TrajectoryResult) { update { $0.finish(result) } }

    /// Prints a line of its own above the live line.
    public func note(_ text: String) {
        state.withLock { state in
            clear(&state)
            write(text + "\n")
        }
    }

    /// Keeps the line alive while `work` runs, and leaves a last one behind.
    public func during<Result: Sendable>(_ work: () async -> Result) async -> Result {
        let ticker =
            isTerminal
            ? Task { [weak self] in
                while !Task.isCancelled {
                    self?.update { _ in }
                    try? await Task.sleep(for: Self.redrawEvery)
                }
            } : nil
        let result = await work()
        ticker?.cancel()
        state.withLock { state in
            let line = state.progress.line(after: .now - start)
            guard isTerminal || line != state.shown else { return }
            clear(&state)
            write(line + "\n")
        }
        return result
    }

    private func update(_ change: (inout Progress) -> Void) {
        state.withLock { state in
            change(&state.progress)
            let now = ContinuousClock.now
            guard now - state.lastLine >= (isTerminal ? Self.redrawEvery : Self.plainLineEvery) else { return }
            state.lastLine = now
            let line = state.progress.line(after: now - start)
            clear(&state)
            write(isTerminal ? line : line + "\n")
            state.shown = line
        }
    }

    private func clear(_ state: inout State) {
        if isTerminal, !state.shown.isEmpty { write("\r\u{1B}[K") }
        state.shown = ""
    }
}

extension ContinuousClock.Instant {
    fileprivate static func - (a: Self, b: Self) -> Duration { b.duration(to: a) }
}

/// Writes to standard error; what cannot be written there is lost.
@Sendable public func printError(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}
