local t = require("@test")

-- Jobs need time to run in, which a fake workspace has not: what the host says of one is scripted here. Real ones are tested
-- with the host.
t.describe("process", function()
  local function state(more)
    local s = { job = "job-1", pid = 7, running = true, stdout = "", stderr = "", offset = 0, error_offset = 0, missed = 0 }
    for key, value in pairs(more or {}) do s[key] = value end
    return s
  end
  local function listed(more)
    local s = state(more)
    s.argv, s.terminal, s.stdout_bytes, s.stderr_bytes = { "bash", "-c", "make all" }, false, 10, 0
    return s
  end
  local function run(arguments, host)
    host["job.list"] = host["job.list"] or function() return { listed() } end
    return t.run(arguments, { ws = t.workspace(), host = host })
  end

  t.it("lists sessions with their commands", function()
    t.equal(run({ action = "list" }, {}).text, "job-1  running  pid 7  make all")
    t.equal(run({ action = "list" }, { ["job.list"] = function() return json.array({}) end }).text, "No background sessions.")
  end)

  t.it("polls only what is new", function()
    local offsets = {}
    local host = { ["job.poll"] = function(_, options)
      offsets[#offsets + 1] = options.offset
      return state({ stdout = options.offset == 0 and "one\n" or "", offset = 4 })
    end }
    local ws = t.workspace()
    host["job.list"] = function() return { listed() } end
    t.equal(t.run({ action = "poll", sessionId = "job-1" }, { ws = ws, host = host }).text, "one\nProcess still running.")
    t.equal(t.run({ action = "poll", sessionId = "job-1" }, { ws = ws, host = host }).text, "(no new output)\nProcess still running.")
    t.same(offsets, { 0, 4 })
  end)

  t.it("tells the end and its exit code", function()
    local result = run({ action = "poll", sessionId = "job-1" }, { ["job.poll"] = function() return state({ running = false, code = 2, ended_by = "exit", stderr = "no\n" }) end })
    t.equal(result.text, "no\nProcess ended: exit code 2.")
    t.equal(result.failed, true)
    t.equal(result.details.exit_code, 2)
  end)

  t.it("shows a part of the log", function()
    local host = { ["job.poll"] = function() return state({ stdout = "1\n2\n3\n4\n" }) end }
    t.equal(run({ action = "log", sessionId = "job-1", offset = 1, limit = 2 }, host).text, "2\n3\n[lines 2-3 of 4; running]")
    t.equal(run({ action = "log", sessionId = "job-1", limit = 1 }, host).text, "4\n[lines 4-4 of 4; running]")
  end)

  t.it("writes, types, pastes and ends the input", function()
    local said = {}
    local host = {
      ["job.write"] = function(_, bytes) said[#said + 1] = bytes return true end,
      ["job.keys"] = function(_, keys) said[#said + 1] = table.concat(keys, "+") return true end,
      ["job.finish_input"] = function() said[#said + 1] = "eof" end,
    }
    run({ action = "write", sessionId = "job-1", data = "y\n", eof = true }, host)
    run({ action = "send-keys", sessionId = "job-1", keys = { "C-c" }, hex = { "1b", "4f" } }, host)
    run({ action = "submit", sessionId = "job-1" }, host)
    run({ action = "paste", sessionId = "job-1", text = "a", bracketed = true }, host)
    t.same(said, { "y\n", "eof", "\27O", "C-c", "Enter", "\27[200~a\27[201~" })
    t.fails_with("closed", run({ action = "write", sessionId = "job-1", data = "x" }, { ["job.write"] = function() return false end }))
    t.fails_with("invalid_args", run({ action = "send-keys", sessionId = "job-1" }, host))
  end)

  t.it("kills, forgets, and does not forget what runs", function()
    local running, removed = true, 0
    local host = {
      ["job.poll"] = function() return state({ running = running, signal = not running and 9 or nil }) end,
      ["job.kill"] = function() running = false end,
      ["job.remove"] = function() removed = removed + 1 end,
    }
    t.fails_with("busy", run({ action = "clear", sessionId = "job-1" }, host))
    t.equal(run({ action = "kill", sessionId = "job-1" }, host).text, "Killed job-1 (killed by signal 9).")
    t.contains(run({ action = "kill", sessionId = "job-1" }, host).text, "had ended already")
    run({ action = "clear", sessionId = "job-1" }, host)
    run({ action = "remove", sessionId = "job-1" }, host)
    t.equal(removed, 2)
  end)

  t.it("names the sessions there are", function()
    t.contains(t.fails_with("not_found", run({ action = "poll", sessionId = "job-9" }, {})).text, "there are job-1")
    t.fails_with("invalid_args", run({ action = "poll" }, {}))
  end)
end)
