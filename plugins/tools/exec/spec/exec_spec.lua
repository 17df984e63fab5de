local t = require("@test")

t.describe("exec", function()
  t.it("gives what the command wrote", function()
    local ws = t.workspace({ files = { ["notes.txt"] = "one\ntwo\n" }, exec = { ["bash -c wc -l < notes.txt"] = "2\n" } })
    local result = t.run({ command = "wc -l < notes.txt" }, { ws = ws })
    t.equal(result.text, "2\n")
    t.equal(result.failed, false)
    t.equal(result.details.exit_code, 0)
    t.same(ws.commands, { { "bash", "-c", "wc -l < notes.txt" } })
  end)

  t.it("says which exit code it had", function()
    local ws = t.workspace({ exec = { ["bash -c *"] = { code = 3, stdout = "out\n", stderr = "no\n" } } })
    local result = t.run({ command = "echo out; echo no >&2; exit 3" }, { ws = ws })
    t.equal(result.text, "out\nno\n[exit code 3]")
    t.equal(result.failed, true)
    t.equal(result.details.stderr, "no\n")
  end)

  t.it("says that there was no output", function()
    local ws = t.workspace({ exec = { ["bash -c true"] = {} } })
    t.equal(t.run({ command = "true" }, { ws = ws }).text, "(no output)")
  end)

  t.it("kills a command that takes too long", function()
    local ws = t.workspace({ exec = { ["bash -c sleep 30"] = { timed_out = true } } })
    local result = t.run({ command = "sleep 30", timeout = 1 }, { ws = ws })
    t.equal(result.text, "[timed out after 1 s]")
    t.equal(result.details.timed_out, true)
  end)

  t.it("tells a signal from an exit", function()
    local ws = t.workspace({ exec = { ["bash -c kill -9 $$"] = { signal = 9 } } })
    local result = t.run({ command = "kill -9 $$" }, { ws = ws })
    t.equal(result.text, "[killed by signal 9]")
    t.equal(result.details.signal, 9)
  end)

  t.it("starts in the directory that it is given", function()
    local where
    local ws = t.workspace({ files = { ["service/app.py"] = "" }, exec = function(request)
      where = request.cwd
      return "app.py\n"
    end })
    t.equal(t.run({ command = "ls", workdir = "~/service" }, { ws = ws }).text, "app.py\n")
    if where then t.equal(where, "service") end
  end)

  t.it("runs nothing in a directory that is not there", function()
    local ws = t.workspace()
    t.fails_with("bad_workdir", t.run({ command = "ls", workdir = "nowhere" }, { ws = ws }))
    t.equal(#ws.commands, 0)
  end)

  t.it("passes variables on", function()
    local ws = t.workspace({ exec = function(request) return (request.env.NAME or "?") .. "\n" end })
    t.equal(t.run({ command = "echo $NAME", env = { NAME = "Ada" } }, { ws = ws }).text, "Ada\n")
  end)

  t.it("shows beginning and end of a long output", function()
    local ws = t.workspace({ exec = { ["bash -c *"] = { stdout = ("0123456789\n"):rep(5000) } } })
    local result = t.run({ command = "yes 0123456789 | head -n 5000" }, { ws = ws })
    t.matches(result.text, "^0123456789\n")
    t.matches(result.text, "bytes left out here")
    t.equal(result.details.stdout_bytes, 55000)
    t.is_true(#result.text < 21000, "the model is shown about 20 KB")
  end)

  t.it("refuses an empty command", function()
    t.fails_with("invalid_args", function() t.run({ command = "  " }, { ws = t.workspace() }) end)
    t.fails_with("invalid_args", function() t.run({ comand = "ls" }, { ws = t.workspace() }) end)
  end)

  t.it("names what it left running", function()
    local ws = t.workspace({ exec = { ["bash -c *"] = { left_running = { { pid = 7, command = "sleep 5" } } } } })
    local result = t.run({ command = "sleep 5 >/dev/null 2>&1 & sleep 0.3" }, { ws = ws })
    t.equal(result.text, "[still running in the background: sleep 5]")
  end)

  t.it("goes on in the background when it is told to, or takes long", function()
    local ws = t.workspace({ exec = { ["bash -c *"] = { stdout = "begun\n", running = true } } })
    local started = t.run({ command = "echo begun; sleep 100", background = true }, { ws = ws })
    t.matches(started.text, "^Command still running %(session job%-1, pid %d+%)")
    t.equal(started.details.status, "running")
    local yielded = t.run({ command = "echo begun; sleep 100", yieldMs = 300 }, { ws = ws })
    t.matches(yielded.text, "^begun\nCommand still running %(session job%-2")
    t.equal(yielded.details.session, "job-2")
  end)

  t.it("refuses what other runtimes offer, and runs nothing then", function()
    local ws = t.workspace()
    for _, extra in ipairs({ { elevated = true }, { host = "gateway" }, { node = "mac" }, { security = "deny" }, { ask = "always" } }) do
      extra.command = "true"
      t.fails_with("unsupported", t.run(extra, { ws = ws }))
    end
    t.equal(#ws.commands, 0)
  end)
end)
