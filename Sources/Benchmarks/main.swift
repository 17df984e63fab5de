import Glibc

let arguments = CommandLine.arguments.dropFirst()
guard arguments.first == "workspace" else {
    complain("usage: ise-bench workspace [--json] [--rounds N] [--held N]")
    exit(64)
}

func complain(_ text: String) {
    let line = text + "\n"
    _ = write(STDERR_FILENO, line, line.utf8.count)
}

/// The number after an option.
func number(after option: String) -> Int? {
    arguments.firstIndex(of: option).flatMap { arguments.dropFirst($0 - arguments.startIndex + 1).first }.flatMap {
        Int($0)
    }
}

var benchmark = WorkspaceBenchmark()
if let rounds = number(after: "--rounds") { benchmark.rounds = rounds }
if let held = number(after: "--held") { benchmark.held = held }
let report = try await benchmark.run()
if arguments.contains("--json") {
    complain(report.text)
    print(report.json.compact)
} else {
    print(report.text)
}
