import JSON
import TestSupport
import Testing

@testable import Workspaces

@Suite struct SandboxPolicyFileTests {
    private func read(_ text: String) throws(WorkspaceError) -> PolicyFile { try PolicyFile(parsing: Array(text.utf8)) }

    private func complaint(_ text: String) -> String {
        do throws(WorkspaceError) {
            _ = try read(text)
            return "it was taken"
        } catch { return error.code == .invalidPolicy ? error.message : "\(error.code): \(error.message)" }
    }

    @Test func `An empty policy is the default one`() throws {
        let file = try read("{}")
        #expect(file.policy == Policy())
        #expect(file.exec == PolicyFile.ExecBounds())
        #expect(try file.hostOptions().root == .host)
    }

    @Test func `Every key is read`() throws {
        let file = try read(
            """
            {"$schema": "x", "network": "allow-list",
             "egress": {"allow": ["example.org:443"], "connections": 3, "total_bytes": "2MB", "idle": 7, "connect": "1.5s"},
             "identity": "root",
             "limits": {"disk": "64MiB", "inodes": 1000, "memory": null, "processes": 9, "cpu_percent": 50,
                        "open_files": 20, "file_bytes": "1k", "required": ["memory", "cpu"]},
             "exec": {"timeout": null, "silence": "500ms", "cpu_seconds": 4, "output": 4096},
             "changes": "content", "denials": false, "process_tree": true, "root": "/srv/x", "binds": ["/a:b:/c"]}
            """)
        var policy = Policy()
        policy.network = .allowList([try EgressRule("example.org:443")])
        policy.egress.connections = 3
        policy.egress.totalBytes = 2_000_000
        policy.egress.idle = .seconds(7)
        policy.egress.connect = .milliseconds(1500)
        policy.identity = .root
        policy.limits.diskBytes = 64 << 20
        policy.limits.inodes = 1000
        policy.limits.memoryBytes = nil
        policy.limits.processes = 9
        policy.limits.cpuPercent = 50
        policy.limits.openFiles = 20
        policy.limits.fileBytes = 1024
        policy.limits.required = [.memory, .cpu]
        policy.changeTracking = .content
        policy.reportsDenials = false
        policy.tracksProcesses = true
        #expect(file.policy == policy)
        #expect(file.exec.timeout == nil && file.exec.silence == .milliseconds(500))
        #expect(file.exec.cpuSeconds == 4 && file.exec.outputBytes == 4096)
        #expect(file.root == "/srv/x")
        #expect(file.binds == [HostOptions.Bind("/a:b", at: "/c")])
    }

    @Test func `The effective policy is a policy that says the same`() throws {
        let file = try read(
            #"{"limits": {"memory": "300MiB", "disk": 5000}, "exec": {"timeout": 0.25}, "binds": ["/a:/b"]}"#)
        let again = try PolicyFile(parsing: file.json.compactBytes)
        #expect(again.policy == file.policy && again.exec == file.exec && again.binds == file.binds)
        #expect(file.json["limits"]?["memory"] == "300MiB" && file.json["limits"]?["disk"] == 5000)
        #expect(file.json["exec"]?["timeout"] == "250ms")
    }

    @Test(arguments: [
        (#"{"limits": {"memry": 1}}"#, #"unknown key "memry" in "limits"; did you mean "memory"?"#),
        (#"{"memory": 1}"#, #"unknown key "memory"; did you mean "limits.memory"?"#),
        (#"{"netwrok": "none"}"#, #"unknown key "netwrok"; did you mean "network"?"#),
        (#"{"xyzzy": 1}"#, #"unknown key "xyzzy" (known here: network, egress"#),
        (#"{"limits": 3}"#, "limits: expected an object, found the integer 3"),
        (#"{"limits": {"memory": true}}"#, #"limits.memory: expected a size such as "64MiB""#),
        (#"{"limits": {"memory": "many"}}"#, #"found the string "many""#),
        (#"{"limits": {"memory": 3}}"#, "at least 1048576"),
        (#"{"limits": {"disk": null}}"#, "limits.disk: expected a size"),
        (#"{"limits": {"processes": 0}}"#, "an integer from 1 to 4194304"),
        (#"{"limits": {"processes": 1.5}}"#, "found the number 1.5"),
        (#"{"limits": {"required": "memory"}}"#, "limits.required: expected an array"),
        (
            #"{"limits": {"required": ["cpu", "disk"]}}"#,
            #"limits.required[1]: expected one of "memory", "processes", "cpu""#
        ),
        (#"{"network": "internet"}"#, #"network: expected one of "none", "loopback", "allow-list", "host""#),
        (#"{"exec": {"timeout": "2 weeks"}}"#, #"exec.timeout: expected a duration such as "90s""#),
        (#"{"exec": {"timeout": 0}}"#, "more than 0"),
        (#"{"binds": ["/a"]}"#, #"binds[0]: expected "SOURCE:PATH""#),
        (#"{"binds": [7]}"#, "binds[0]: expected"),
        (#"{"network": "allow-list", "egress": {"allow": ["http://x/"]}}"#, "egress.allow[0]: "),
        (#"{"egress": {"allow": ["example.org"]}}"#, #"the network is "loopback""#),
        (#"{"root": ""}"#, "root: expected the path"),
        ("[]", "a policy is a JSON object, this is array"),
        ("{\n  \"limits\": {},\n}", "line 3, column 1"),
        (#"{"denials": true, "denials": false}"#, "stands twice"),
    ])
    func `What is wrong is told with its place`(text: String, expected: String) {
        #expect(complaint(text).contains(expected), "\(complaint(text))")
    }

    @Test(arguments: [
        ("64MiB", 64 << 20), ("64 mib", 64 << 20), ("1k", 1024), ("1kb", 1000), ("1.5GiB", 3 << 29),
        ("2TB", 2_000_000_000_000),
        ("0", 0), ("17b", 17), ("9223372036854775807", .max),
    ])
    func `Sizes are read`(text: String, bytes: Int) { #expect(Quantity.bytes(text) == bytes) }

    @Test(arguments: [
        "", "MiB", "-1", "1.", ".5G", "1e3", "1 2", "9223372036854775808", "9999999999TiB", "١k", "1KiBs", "0x10",
    ])
    func `What is no size is none`(text: String) { #expect(Quantity.bytes(text) == nil) }

    @Test(arguments: [
        ("90s", Duration.seconds(90)), ("500ms", .milliseconds(500)), ("2m", .seconds(120)), ("1.5h", .seconds(5400)),
        ("3", .seconds(3)), ("10us", .microseconds(10)),
    ])
    func `Durations are read and written`(text: String, duration: Duration) {
        #expect(Quantity.duration(text) == duration)
        #expect(Quantity.duration(Quantity.text(duration)) == duration)
    }

    @Test func `Paths in a file begin at its directory`() throws {
        let place = try TemporaryDirectory()
        try place.write("p.json", Array(#"{"root": "system", "binds": ["data:/data", "/abs:/x"]}"#.utf8))
        let file = try PolicyFile(path: place.file("p.json"))
        #expect(file.root == place.file("system"))
        #expect(file.binds.map(\.source) == [place.file("data"), "/abs"])
        #expect(throws: WorkspaceError.self) { _ = try file.hostOptions() }
    }

    @Test func `A file that is not there, too long or wrong is named`() throws {
        let place = try TemporaryDirectory()
        try place.write("long.json", [UInt8](repeating: 32, count: 2 << 20))
        try place.write("wrong.json", Array(#"{"a": 1}"#.utf8))
        for name in ["none.json", "long.json", "wrong.json"] {
            do throws(WorkspaceError) {
                _ = try PolicyFile(path: place.file(name))
                Issue.record("\(name) was taken")
            } catch { #expect(error.message.contains(place.file(name))) }
        }
    }

    @Test func `Options win over the file, one key at a time`() throws {
        var file = try read(#"{"limits": {"memory": "1GiB", "processes": 5}, "binds": ["/a:/b"]}"#)
        func set(_ name: String, _ texts: String...) throws {
            try file.set(#require(PolicyFile.key(named: name)), toOptions: texts)
        }
        try set("limits.memory", "64MiB")
        try set("exec.timeout", "none")
        try set("binds", "/c:/d", "/e:/f")
        try set("denials", "false")
        try set("exec.cpu_seconds", "3")
        #expect(file.policy.limits.memoryBytes == 64 << 20 && file.policy.limits.processes == 5)
        #expect(file.exec.timeout == nil && file.exec.cpuSeconds == 3 && !file.policy.reportsDenials)
        #expect(file.binds.map(\.path) == ["/d", "/f"])
        #expect(throws: WorkspaceError.self) { try set("limits.disk", "none") }
        #expect(throws: WorkspaceError.self) { try set("limits.processes", "3.5") }
    }

    @Test func `Names of keys and options stand once`() {
        #expect(Set(PolicyFile.keys.map(\.name)).count == PolicyFile.keys.count)
        #expect(Set(PolicyFile.keys.map(\.flag)).count == PolicyFile.keys.count)
    }
}
