import Glibc

let arguments = CommandLine.arguments.dropFirst()
guard let subject = arguments.first, ["workspace", "plugins", "soak"].contains(subject) else {
    complain(
        """
        usage: ise-bench workspace [--json] [--rounds N] [--held N]
               ise-bench plugins [--json] [--rounds N]
               ise-bench soak [--execs N]
        """)
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

func measure() async throws -> Report {
    if subject == "plugins" {
        var benchmark = PluginBenchmark()
        if let rounds = number(after: "--rounds") { benchmark.rounds = rounds }
        return try await benchmark.run()
    }
    var benchmark = WorkspaceBenchmark()
    if let rounds = number(after: "--rounds") { benchmark.rounds = rounds }
    if let held = number(after: "--held") { benchmark.held = held }
    return try await benchmark.run()
}

if subject == "soak" {
    var soak = Soak()
    if let execs = number(after: "--execs") { soak.execs = max(400, execs) }
    exit(try await soak.run() ? 0 : 1)
}
let report = try await measure()
if arguments.contains("--json") {
    complain(report.text)
    print(report.json.compact)
} else {
    print(report.text)
}
