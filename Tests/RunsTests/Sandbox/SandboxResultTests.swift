import Glibc
import JSON
import Plugins
import TestSupport
import Testing
import Workspaces

@Suite struct SandboxResultTests {
    @Test func `The result is one object, and the exit status the command's`() async throws {
        let ending = try await sandbox(
            "--json", "--changes", "content", "--memory", "256MiB", "--", "sh", "-c",
            "echo out; printf 'bad\\377' >&2; echo x > made; unshare -r true; sleep 1000 & exit 3")
        #expect(ending.status == 3)
        let result = try JSONValue(parsing: ending.stdout)
        #expect(
            result["exit_code"] == 3 && result["signal"] == .null && result["ended_by"] == "exit"
                && result["status"] == 3)
        #expect(result["stdout"] == ["text": "out\n", "total_bytes": 4, "truncated": false])
        #expect(result["stderr"]?["text"]?.string?.hasPrefix("bad\u{FFFD}") == true)
        #expect(result["left_running"]?.array?.count == 1)
        #expect(result["denials"]?.array?.first?["syscall"] == "unshare")
        let change = result["changes"]?.array?.first
        #expect(change?["path"] == "/home/user/made" && change?["what"] == "created")
        #expect(change?["hash"]?.string?.hasPrefix("sha256:") == true)
        #expect(result["policy"]?["limits"]?["memory"] == "256MiB")
        #expect(result["isolation"]?["level"]?.string != nil)
        #expect((result["max_rss_bytes"]?.int ?? 0) > 0 && (result["wall_ms"]?.double ?? 0) > 0)
    }

    @Test func `A long output is cut in the middle, a signal and a timeout are told`() async throws {
        let long = try JSONValue(parsing: try await sandbox("--json", "--output", "1000", "--", "seq", "100000").stdout)
        #expect(long["stdout"]?["truncated"] == true && long["stdout"]?["total_bytes"] == 588_895)
        #expect(long["stdout"]?["text"]?.string?.hasSuffix("100000\n") == true)
        let late = try await sandbox("--json", "--timeout", "0.2", "--", "sh", "-c", "echo begun; sleep 1000")
        let result = try JSONValue(parsing: late.stdout)
        #expect(late.status == 124 && result["ended_by"] == "timeout" && result["stdout"]?["text"] == "begun\n")
        #expect(result["kill_latency_ms"]?.double != nil)
        let killed = try JSONValue(parsing: try await sandbox("--json", "--", "sh", "-c", "kill -TERM $$").stdout)
        #expect(killed["signal"] == 15 && killed["exit_code"] == .null && killed["status"] == 143)
    }

    @Test func `What could not be run is an object, too`() async throws {
        let ending = try await sandbox("--json", "--", "no-such-command")
        let result = try JSONValue(parsing: ending.stdout)
        #expect(ending.status == 127 && result["error"]?["code"] == "command_not_found" && result["status"] == 127)
    }

    @Test func `Files are taken in, and changed ones kept`() async throws {
        let place = try TemporaryDirectory()
        mkdir(place.file("in"), 0o755)
        try place.write("in/a", Array("given\n".utf8))
        try place.write("in/b", Array("given\n".utf8))
        let ending = try await sandbox(
            "--workdir-from", place.file("in"), "--keep", place.file("out"), "--keep-bytes", "1000", "--json", "--",
            "sh", "-c",
            "echo more >> a; rm b; ln -s /etc/shadow s; mkfifo f; cp /bin/true t; chmod 4755 t; truncate -s 2000 big; echo x > 'new\nline'"
        )
        #expect(ending.status == 0, "\(ending)")
        let kept = try #require(try JSONValue(parsing: ending.stdout)["kept"])
        #expect(kept == (try JSONValue(parsing: place.read("out/ise-kept.json"))))
        #expect(kept["files"]?.array?.compactMap { $0["path"]?.string } == ["/home/user/a", "/home/user/new\nline"])
        #expect(kept["deleted"] == ["/home/user/b"])
        #expect(
            kept["left_out"]?.array?.compactMap { $0["path"]?.string }
                == ["big", "f", "s", "t"].map { "/home/user/\($0)" })
        #expect(try place.read("out/home/user/a") == Array("given\nmore\n".utf8))
        #expect(try place.read("in/a") == Array("given\n".utf8))
        let again = try await sandbox("--keep", place.file("out"), "--", "sh", "-c", "echo ran")
        #expect(again.status == 125 && again.stdout.isEmpty && again.stderr.contains("it exists already"))
        #expect(access(place.file("out/ise-kept.json"), F_OK) == 0)
    }

    @Test func `The effective policy is a policy file, in which options have won`() async throws {
        let place = try TemporaryDirectory()
        try place.write("p.json", Array(#"{"limits": {"memory": "1GiB", "processes": 5}, "network": "none"}"#.utf8))
        let first = try await sandbox(
            "--policy", place.file("p.json"), "--memory", "64MiB", "--print-policy", "--bind", "/etc:/data")
        let policy = try JSONValue(parsing: first.stdout)
        #expect(policy["limits"]?["memory"] == "64MiB" && policy["limits"]?["processes"] == 5)
        #expect(policy["network"] == "none" && policy["binds"] == ["/etc:/data"])
        try place.write("again.json", Array(first.stdout.utf8))
        #expect(try await sandbox("--policy", place.file("again.json"), "--print-policy").stdout == first.stdout)
    }

    @Test func `A wrong policy file is told and nothing is run`() async throws {
        let place = try TemporaryDirectory()
        for (text, expected) in [
            (#"{"limits": {"memroy": 1}}"#, #"p.json: unknown key "memroy" in "limits"; did you mean "memory"?"#),
            (#"{"exec": {"timeout": []}}"#, "p.json: exec.timeout: expected a duration"),
            ("{\n\"a\" 1}", "line 2, column 5"),
        ] {
            try place.write("p.json", Array(text.utf8))
            let ending = try await sandbox("--policy", place.file("p.json"), "--", "echo", "ran")
            #expect(
                ending.status == 125 && ending.stdout.isEmpty && ending.stderr.contains(expected), "\(ending.stderr)")
        }
    }

    @Test func `The schema takes what the reader takes`() async throws {
        let printed = try JSONValue(parsing: try await sandbox("--policy-schema").stdout)
        #expect(printed == PolicyFile.schema)
        func violations(_ text: String) throws -> Int {
            switch SchemaValidator.validate(try JSONValue(parsing: text), against: printed) {
            case .success: 0
            case .failure(let violations): violations.count
            }
        }
        #expect(try violations(PolicyFile().json.compact) == 0)
        #expect(
            try violations(
                #"{"limits": {"memory": "64MiB", "disk": 5000, "required": ["cpu"]}, "exec": {"timeout": 1.5}}"#) == 0)
        for text in [
            #"{"limits": {"memroy": 1}}"#, #"{"limits": {"memory": "many"}}"#, #"{"network": "internet"}"#,
            #"{"denials": 1}"#,
            #"{"exec": {"timeout": "2 weeks"}}"#, #"{"binds": "x"}"#,
        ] { #expect(try violations(text) > 0, "\(text)") }
    }

    @Test func `Every key of a policy has its option, with its help`() async throws {
        let help = try await ise("help", "sandbox").stdout
        let words = help.split { $0.isWhitespace }.joined(separator: " ")
        for key in PolicyFile.keys {
            #expect(words.contains("--\(key.flag) <"), "\(key.flag)")
            #expect(words.contains(key.help.split { $0.isWhitespace }.joined(separator: " ")), "\(key.name)")
        }
    }
}
