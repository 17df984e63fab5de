extension Scaffold.Template {
    static let tool = Scaffold.Template(
        manifest: """
            {
              "api": 1,
              "kind": "tool",
              "name": "NAME",
              "version": "0.1.0",
              "description": "Count the lines of a text file that contain a piece of text.",
              "parameters": {
                "type": "object",
                "properties": {
                  "path": { "type": "string", "minLength": 1, "description": "File to look at, absolute or relative to your home." },
                  "text": { "type": "string", "default": "", "description": "Text that a line must contain; every line counts without it." }
                },
                "required": ["path"]
              },
              "effects": { "reads": true, "writes": false, "parallel": true },
              "permissions": { "fs": [{ "path": "**", "mode": "r" }] },
              "examples": [{ "path": "notes.txt", "text": "buy" }]
            }

            """,
        main: #"""
            -- What a model can call. `args` fits "parameters" of plugin.json; the model sees `text` of the result.

            local function count(text, piece)
              local lines = 0
              for line in (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do
                if line:find(piece, 1, true) then lines = lines + 1 end
              end
              return lines
            end

            local function run(args, ctx)
              local text = ws.read(args.path, { missing = "nil" })
              if not text then return ctx.fail("not_found", args.path .. " does not exist") end
              local lines = text == "" and 0 or count(text, args.text)
              return { text = ("%d lines of %s match"):format(lines, args.path), details = { lines = lines } }
            end

            return { run = run }

            """#,
        spec: #"""
            local t = require("@test")

            t.describe("NAME", function()
              local function notes()
                return t.workspace({ files = { ["notes.txt"] = "buy milk\ndone\nbuy bread\n", ["empty.txt"] = "" } })
              end

              t.it("counts the lines with the text", function()
                t.equal(t.run({ path = "notes.txt", text = "buy" }, { ws = notes() }).text, "2 lines of notes.txt match")
              end)

              t.it("counts every line without one", function()
                t.equal(t.run({ path = "notes.txt" }, { ws = notes() }).details.lines, 3)
                t.equal(t.run({ path = "empty.txt" }, { ws = notes() }).details.lines, 0)
              end)

              t.it("says that a file is not there", function()
                t.fails_with("not_found", function() t.run({ path = "nothing.txt" }, { ws = notes() }) end)
              end)
            end)

            """#)

    static let library = Scaffold.Template(
        manifest: """
            {
              "api": 1,
              "kind": "library",
              "name": "NAME",
              "version": "0.1.0",
              "description": "What several plugins share: they require it in their manifest and load it with require(\\"@NAME\\")."
            }

            """,
        main: """
            -- Other plugins name it in "requires" of their manifest. It runs in their state, with their permissions.

            local library = {}

            -- "two words" -> "Two Words"
            function library.title(text)
              return (text:gsub("%f[%w]%l", string.upper))
            end

            return library

            """,
        spec: """
            local t = require("@test")
            local library = require("@NAME")

            t.describe("NAME", function()
              t.it("begins every word with a capital", function()
                t.equal(library.title("two words"), "Two Words")
                t.equal(library.title(""), "")
              end)
            end)

            """)

    static let checker = Scaffold.Template(
        manifest: """
            {
              "api": 1,
              "kind": "checker",
              "name": "NAME",
              "version": "0.1.0",
              "description": "Gives a dialogue a score from 0 to 1.",
              "limits": { "cpu_ms": 1000, "memory_mb": 32 }
            }

            """,
        main: """
            -- `run` is a dialogue that has ended, with its calls and its outcome.

            local function check(run)
              local failed = 0
              local calls = type(run.calls) == "table" and run.calls or {}
              for _, call in ipairs(calls) do
                if call.ok == false then failed = failed + 1 end
              end
              local score = #calls == 0 and 0 or 1 - failed / #calls
              return { score = score, passed = score >= 0.5, findings = { ("%d of %d calls failed"):format(failed, #calls) } }
            end

            return { check = check }

            """,
        spec: """
            local t = require("@test")

            t.describe("NAME", function()
              t.it("scores by the calls that went well", function()
                local verdict = t.call("check", { calls = { { ok = true }, { ok = false } } })
                t.equal(verdict.score, 0.5)
                t.same(verdict.findings, { "1 of 2 calls failed" })
              end)

              t.it("gives nothing for doing nothing", function()
                t.is_false(t.call("check", { calls = {} }).passed)
              end)
            end)

            """)

    static let `guard` = Scaffold.Template(
        manifest: """
            {
              "api": 1,
              "kind": "guard",
              "name": "NAME",
              "version": "0.1.0",
              "description": "Refuses a user turn that is too long for somebody who types.",
              "limits": { "cpu_ms": 500, "memory_mb": 16 }
            }

            """,
        main: """
            -- Reads a turn of the simulated user before it is sent: view.query, view.history, view.intent. A refused turn is asked
            -- for again, with the reason.

            local LONGEST = 1200

            local function check(view)
              local text = type(view.query) == "string" and view.query or ""
              if #text > LONGEST then
                return { ok = false, reason = ("it has %d characters; nobody types more than %d"):format(#text, LONGEST) }
              end
              return { ok = true }
            end

            return { check = check }

            """,
        spec: """
            local t = require("@test")

            t.describe("NAME", function()
              t.it("lets a short turn pass", function()
                t.is_true(t.call("check", { query = "Please sort the folder.", history = {} }).ok)
              end)

              t.it("refuses a long one, and says why", function()
                local verdict = t.call("check", { query = ("x"):rep(2000), history = {} })
                t.is_false(verdict.ok)
                t.contains(verdict.reason, "2000 characters")
              end)
            end)

            """)
}
