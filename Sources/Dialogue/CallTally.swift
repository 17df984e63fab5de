/// Counts calls, failures and recoveries as results come in.
struct CallTally: Sendable {
    private(set) var calls = 0
    private(set) var failures = 0
    private(set) var recoveries = 0
    private(set) var pluginBugs = 0
    private var lastFailed: Set<String> = []

    mutating func count(_ result: ToolResult) {
        let tool = result.call.call.name
        calls += 1
        if !result.ok {
            failures += 1
            lastFailed.insert(tool)
        } else if lastFailed.remove(tool) != nil {
            recoveries += 1
        }
        if result.error?.code == "plugin_bug" { pluginBugs += 1 }
    }
}
