import ArgumentParser
import Glibc
import JSON
import Runs
import Trace

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Reads the traces of trajectories.", subcommands: [Show.self, Verify.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints a trace for people.")

        @Argument(help: "The trace, also one that is still being written.")
        var file: String

        @Flag(name: .shortAndLong, help: "Also model traffic, logs and guards that passed.")
        var verbose = false

        @Option(help: "Lines shown of each text and output.")
        var lines = 16

        func run() async throws {
            signal(SIGPIPE, SIG_DFL)
            var renderer = TraceRenderer(color: wantsColor, maximumLines: max(1, lines), verbose: verbose)
            do {
                var reader = try TraceReader(path: file)
                while let record = try reader.next() { print(renderer.render(record), terminator: "") }
                print(renderer.render(reader.tail), terminator: "")
            } catch {
                throw fail("\(error)")
            }
        }

        private var wantsColor: Bool {
            isatty(1) == 1 && getenv("NO_COLOR") == nil && getenv("TERM").map { String(cString: $0) } != "dumb"
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks that traces are what was written.",
            discussion:
                "Exit status 1 when a line was changed, dropped, moved or added, the tail is cut, or a blob is missing or altered."
        )

        @Argument(help: "The traces.")
        var files: [String]

        @Flag(help: "Print one JSON object a trace.")
        var json = false

        func run() async throws {
            var allIntact = true
            for file in files {
                let verifier = TraceVerifier(store: ContentStore(directory: blobDirectory(of: file)))
                do {
                    let verification = try verifier.verify(file)
                    allIntact = allIntact && verification.isIntact
                    show(verification)
                } catch {
                    allIntact = false
                    warn("\(error)")
                }
            }
            if !allIntact { throw ExitCode(1) }
        }

        private func show(_ verification: TraceVerification) {
            if json { return print(verification.json.compact) }
            guard !verification.isIntact else {
                let outcome = verification.outcome.map { ", \($0)" } ?? ""
                return print("\(verification.path): intact, \(verification.events) events\(outcome)")
            }
            for problem in verification.problems { print("\(verification.path): \(problem)") }
        }

        /// A trace lies in `trajectories/` of its run, beside `blobs/`.
        private func blobDirectory(of file: String) -> String {
            let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
            return folder + "/../blobs"
        }
    }
}
