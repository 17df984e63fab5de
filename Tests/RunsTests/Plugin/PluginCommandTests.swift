import Glibc
import JSON
import Plugins
import TestSupport
import Testing

@Suite struct PluginCommandTests {
    /// A directory of plugins with a tool "probe", made by `ise plugin new`.
    private static func workshop() async throws -> TemporaryDirectory {
        let place = try TemporaryDirectory()
        let made = try await ise("plugin", "new", "tool", "probe", "--in", place.file("plugins"))
        #expect(made.status == 0, "\(made.stderr)")
        return place
    }

    @Test func `A new plugin of every kind passes lint and its tests`() async throws {
        let place = try TemporaryDirectory()
        let directory = place.file("plugins")
        for kind in PluginManifest.Kind.allCases {
            let made = try await ise("plugin", "new", kind.rawValue, "my_\(kind.rawValue)", "--in", directory)
            #expect(made.status == 0, "\(made.stderr)")
        }
        let lint = try await ise("plugin", "lint", directory, "--strict")
        #expect(lint.status == 0 && lint.stdout == "8 plugins, 0 errors, 0 warnings\n", "\(lint.stdout)")
        let test = try await ise("plugin", "test", directory, "--both", "--twice", "--faults", "--fuzz", "20")
        #expect(test.status == 0, "\(test.stdout)\(test.stderr)")
    }

    @Test func `What a plugin or a skill says of itself does not act on the terminal`() async throws {
        let place = try TemporaryDirectory()
        for folder in ["plugins", "plugins/tools", "skills", "skills/evil"] { mkdir(place.file(folder), 0o755) }
        let manifest =
            #"{"api": 1, "kind": "tool", "name": "evil", "version": "1.0.0", "description": "a\u001b[2J\rb\u202e"}"#
        try place.write(
            "plugins/tools/evil.lua", Array("--[[plugin \(manifest) ]]\nreturn { run = function() end }".utf8))
        try place.write("plugins/tools/\u{1B}[31m.lua", Array("nothing".utf8))
        try place.write("skills/evil/SKILL.md", Array("---\nname: evil\ndescription: \"a\\e[2J\\x07\"\n---\nx\n".utf8))
        for command in [
            ["plugin", "list", "tool", "--plugins", place.file("plugins")], ["plugin", "lint", place.file("plugins")],
            ["skill", "list", "--skills", place.file("skills")],
        ] {
            let shown = try await ISEProcess(command).ending()
            let text = shown.stdout + shown.stderr
            #expect(text.contains("evil") || text.contains("x1b"))
            #expect(
                !text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\r" || $0 == "\u{7}" || $0 == "\u{202E}" },
                "\(text)")
        }
    }

    @Test func `What is there stays, and wrong names are answered with better ones`() async throws {
        let place = try await Self.workshop()
        let again = try await ise("plugin", "new", "tool", "probe", "--in", place.file("plugins"))
        #expect(again.status == 1 && again.stderr.contains("is there already"))
        let kind = try await ise("plugin", "new", "tol", "x", "--in", place.file("plugins"))
        #expect(kind.status == 1 && kind.stderr.contains("did you mean \"tool\"?"))
        let name = try await ise("plugin", "new", "tool", "Big", "--in", place.file("plugins"))
        #expect(name.status == 1 && name.stderr.contains("small letters"))
        let missing = try await ise("plugin", "test", "prbe", "--plugins", place.file("plugins"))
        #expect(missing.status == 1 && missing.stderr.contains("did you mean \"probe\"?"))
        let nowhere = try await ise("plugin", "inspect", place.file("nothing/here"))
        #expect(nowhere.status == 1 && nowhere.stderr.contains("there is nothing at"))
    }

    @Test func `What selects nothing is told in one line, and is no success`() async throws {
        let place = try await Self.workshop()
        let plugins = ["--plugins", place.file("plugins")]
        let filter = try await ISEProcess(["plugin", "test", "probe", "--filter", "zzz"] + plugins).ending()
        #expect(filter.status == 1 && filter.stderr == "ise: no test has \"zzz\" in its name (--filter)\n")
        // What a command does not go by it does not take.
        let unused = try await ISEProcess(["plugin", "test", "probe", "--lock", "x"] + plugins).ending()
        #expect(unused.status == 64 && unused.stderr.contains("Unknown option '--lock'"))
        let folder = try await ise("plugin", "lint", place.file("nothing/"))
        #expect(folder.status == 1 && folder.stderr == "ise: there is nothing at \(place.file("nothing/"))\n")
        let relative = try await ise("plugin", "lint", "nothing-here/")
        #expect(relative.status == 1 && relative.stderr == "ise: there is nothing at nothing-here/\n")
        let lock = try await ISEProcess(["plugin", "list", "--lock", place.file("no.json")] + plugins).ending()
        #expect(
            lock.status == 1
                && lock.stderr.hasPrefix("ise: there is no lock \(place.file("no.json")); `ise plugin lock"))
        #expect(lock.stderr.split(separator: "\n").count == 1)
    }

    @Test func `Lint says what is wrong, where, and what would be right`() async throws {
        let place = try await Self.workshop()
        let source = """
            local function run(args)
              local text = ws.raed(args.path)
              ws.write("x", "y")
              strng.format("x")
              local list = { "b", "a" }
              table.sort(list, function(a, b) return ws.stat(a).size < ws.stat(b).size end)
              undefined = os.time()
              if host.has("ws.exec") then ws.exec({ "true" }) end
              return { text = text }
            end
            return { run = run }
            """
        try place.write("plugins/tools/probe/main.lua", Array(source.utf8))
        let lint = try await ise("plugin", "lint", place.file("plugins/tools/probe"), "--json")
        let findings = try lint.stdout.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        // luacheck has more to say, where it is installed.
        let found = findings.filter { $0["rule"] != "luacheck" }.map { finding in
            "\(finding["line"]?.int ?? 0) \(finding["rule"]?.string ?? "")"
        }
        #expect(lint.status == 1)
        let expected = [
            "2 unknown-name", "3 permission", "4 unknown-name", "6 cannot-wait", "7 unknown-name", "7 global",
        ]
        #expect(found == expected)
        let messages = findings.compactMap { $0["message"]?.string }.joined(separator: "\n")
        #expect(messages.contains("did you mean \"ws.read\"?") && messages.contains("did you mean \"string\"?"))
        #expect(messages.contains("\"writes\": true") || messages.contains("\"mode\": \"rw\""))

        try place.write("plugins/tools/probe/main.lua", Array("return {".utf8))
        let broken = try await ise("plugin", "lint", place.file("plugins"))
        #expect(broken.status == 1 && broken.stdout.contains("tools/probe/main.lua:1: error: unexpected symbol"))
    }

    @Test func `Results of tests are for people, programs and build servers`() async throws {
        let place = try await Self.workshop()
        let spec = """
            local t = require("@test")
            t.it("works", function() t.equal(t.run({ path = "a" }, { ws = t.workspace({ files = { a = "1" } }) }).details.lines, 1) end)
            t.it("does <not>", function() t.equal(1, 2) end)
            """
        try place.write("plugins/tools/probe/spec/probe_spec.lua", Array(spec.utf8))
        let report = place.file("junit.xml")
        let people = try await ise("plugin", "test", place.file("plugins/tools/probe"), "--junit", report)
        #expect(people.status == 1)
        #expect(people.stdout.contains("✗ does <not> [fake]  spec/probe_spec.lua:3\n      expected 2, got 1"))
        let xml = String(decoding: try place.read("junit.xml"), as: UTF8.self)
        #expect(xml.contains("<failure message=\"expected 2, got 1\">") && xml.contains("name=\"does &lt;not&gt;\""))
        let programs = try await ise("plugin", "test", place.file("plugins/tools/probe"), "--json")
        let lines = try programs.stdout.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines.map { $0["outcome"]?.string } == ["passed", "failed", "passed", nil])
        #expect(lines.last?["failed"] == 1)
    }

    @Test func `A call shows what the plugin asked of the host, and keeps what it made`() async throws {
        let place = try await Self.workshop()
        try place.write("plugins/notes.txt", Array("TODO a\nb\n".utf8))
        let probe = place.file("plugins/tools/probe")
        let call = try await ise("plugin", "call", probe, #"{"path": "notes.txt"}"#, "--ws", place.file("plugins"))
        #expect(call.status == 0, "\(call.stderr)")
        #expect(call.stdout.hasPrefix(#"ws.read("notes.txt", {"missing":"nil"}) → "TODO a\nb\n""#), "\(call.stdout)")
        #expect(call.stdout.contains("2 lines of notes.txt match"))
        let missing = try await ise("plugin", "call", probe, #"{"path": "nothing"}"#, "--json")
        #expect(missing.status == 1 && missing.summary?["error"]?["code"] == "not_found")
        let wrong = try await ise("plugin", "call", probe, #"{"pth": "x"}"#)
        #expect(wrong.status == 1 && wrong.stdout.contains("did you mean \"path\"?"))
        let made = try await ise(
            "plugin", "call", "exec", #"{"command": "echo hi > out.txt"}"#, "--keep", place.file("kept"))
        #expect(made.status == 0, "\(made.stderr)")
        #expect(try place.read("kept/home/user/out.txt") == Array("hi\n".utf8))
    }

    @Test func `What a plugin may do is shown without running it`() async throws {
        let shown = try await ise("plugin", "inspect", "read", "--json")
        #expect(shown.summary?["permissions"]?["fs"]?.array?.first?["mode"] == "r")
        #expect(shown.summary?["functions"]?.array?.contains("ws.read") == true)
        #expect(shown.summary?["functions"]?.array?.contains("ws.write") == false)
        #expect(shown.summary?["hash"]?.string?.count == 64)
        let listed = try await ise("plugin", "list", "tools")
        #expect(listed.stdout.contains("tool       read") && !listed.stdout.contains("domain"))
    }

    @Test func `An audit finds the smallest permissions that the specs need`() async throws {
        let place = try await Self.workshop()
        let manifest = String(decoding: try place.read("plugins/tools/probe/plugin.json"), as: UTF8.self)
            .replacing("\"mode\": \"r\" }]", with: "\"mode\": \"rw\" }], \"exec\": [\"git\"], \"model\": true")
        try place.write("plugins/tools/probe/plugin.json", Array(manifest.utf8))
        let audit = try await ise("plugin", "audit", place.file("plugins/tools/probe"), "--json")
        #expect(audit.status == 0, "\(audit.stderr)")
        #expect(audit.summary?["smallest"] == ["fs": [["path": "**", "mode": "r"]]])
        #expect(audit.summary?["smallest_passes"] == true)
        #expect(audit.summary?["observed"]?["files_read"] == ["empty.txt", "notes.txt", "nothing.txt"])
    }

    @Test func `A site has a page for each plugin and takes nothing from elsewhere`() async throws {
        let place = try TemporaryDirectory()
        let made = try await ise("plugin", "doc", "--site", place.file("site"))
        #expect(made.status == 0, "\(made.stderr)")
        let files = place.files().filter { $0.hasPrefix("site/") }
        #expect(files.contains("site/tool-exec.html") && files.contains("site/host.html"))
        for file in files {
            let text = String(decoding: try place.read(file), as: UTF8.self)
            #expect(!text.contains("src=") && !text.contains("href=\"http") && !text.contains("@import"), "\(file)")
            for link in text.split(separator: "href=\"").dropFirst().map({ $0.prefix { $0 != "\"" && $0 != "#" } })
            where !link.isEmpty {
                #expect(files.contains("site/\(link)"), "\(file) links to \(link)")
            }
        }
        let markdown = try await ise("plugin", "doc", "exec")
        #expect(markdown.stdout.contains("| `command` | string, required |"))
        let json = try await ise("plugin", "doc", "--json")
        let tools = try JSONValue(parsing: json.stdout)["tools"]?.array ?? []
        #expect(tools.contains { $0["name"] == "exec" && $0["inputSchema"]?["required"] == ["command"] })
    }

    @Test func `A change is linted and tested at once`() async throws {
        let place = try await Self.workshop()
        let watch = try ISEProcess(["plugin", "watch", place.file("plugins/tools/probe")])
        func wait(for text: String) async throws {
            while try !watch.outputSoFar().contains(text), watch.isRunning {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        try await wait(for: "watching 1 plugin")
        try place.write(
            "plugins/tools/probe/main.lua", Array("return { run = function() return { text = strng } end }".utf8))
        try await wait(for: "failed")
        kill(watch.pid, SIGKILL)
        let ending = try await watch.ending()
        #expect(ending.stdout.contains("changed: ") && ending.stdout.contains("main.lua"))
        #expect(ending.stdout.contains("error: unknown name \"strng\"; did you mean \"string\"?"), "\(ending.stdout)")
    }
}

@Suite struct PluginReplayTests {
    @Test func `A recorded call is replayed without a workspace, and what is done otherwise is found`() async throws {
        let place = try TemporaryDirectory()
        let made = try await ise("plugin", "new", "tool", "probe", "--in", place.file("plugins"))
        #expect(made.status == 0, "\(made.stderr)")
        let probe = place.file("plugins/tools/probe")
        try place.write("plugins/notes.txt", Array("TODO a\nb\n".utf8))
        let call = try await ise(
            "plugin", "call", probe, #"{"path": "notes.txt"}"#, "--ws", place.file("plugins"), "--json")
        try place.write("call.json", Array(call.stdout.utf8))
        let same = try await ise("plugin", "test", probe, "--replay", place.file("call.json"))
        #expect(same.status == 0 && same.stdout.contains("1 test, 1 passed"), "\(same.stdout)\(same.stderr)")
        let source = String(decoding: try place.read("plugins/tools/probe/main.lua"), as: UTF8.self)
        try place.write("plugins/tools/probe/main.lua", Array(source.replacing("match\")", with: "fit\")").utf8))
        let other = try await ise("plugin", "test", probe, "--replay", place.file("call.json"))
        #expect(other.status == 1)
        #expect(
            other.stdout.contains("text: expected \"2 lines of notes.txt match\", got \"2 lines of notes.txt fit\""))
        try place.write(
            "plugins/tools/probe/main.lua", Array(source.replacing("ws.read(args.path,", with: "ws.read(\"x\",").utf8))
        let asks = try await ise("plugin", "test", probe, "--replay", place.file("call.json"))
        #expect(
            asks.stdout.contains("it asks for ws.read with other arguments: [1]: expected \"notes.txt\", got \"x\""))
    }

    @Test func `The calls of a trace are replayed as far as it has what the host gave`() async throws {
        let place = try TemporaryDirectory()
        let run = try await ise("run", "--count", "1", "--seed", "3", "--out", place.file("run"))
        #expect(run.status == 0, "\(run.stderr)")
        let trace = try #require(place.files().first { $0.hasPrefix("run/trajectories/") && $0.hasSuffix(".jsonl") })
        let replay = try await ise("plugin", "test", "exec", "--replay", place.file(trace), "--json")
        let lines = try replay.stdout.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(replay.status == 0, "\(replay.stdout)")
        #expect(lines.contains { $0["outcome"] == "passed" && $0["mode"] == "replay" })
    }
}
