local t = require("@test")
local samples = require("@tool_kit/samples")
local session, main = samples.session, samples.main

t.describe("subagents", function()
  local function run(arguments, more)
    local host = { ["sessions.list"] = { own = "main", sessions = { main, session({ label = "count" }), session({ session = "sub-2", status = "ended", outcome = "completed" }) } } }
    for key, value in pairs(more or {}) do host[key] = value end
    return t.run(arguments, { now = 1100, host = host })
  end

  t.it("lists what it has started, not itself", function()
    t.equal(run({ action = "list" }).text, 'sub-1 "count": running, 3 tool calls: Count errors\nsub-2: completed, 3 tool calls: Count errors')
    t.equal(t.run({}, { host = { ["sessions.list"] = { own = "main", sessions = { main } } } }).text, "You have started no sessions.")
  end)

  t.it("kills one, or all that run", function()
    local function kill(request) return { session = request.session, killed = true } end
    t.equal(run({ action = "kill", target = "sub-1" }, { ["sessions.kill"] = kill }).text, "Ended sub-1.")
    t.equal(run({ action = "kill", target = "all" }, { ["sessions.kill"] = kill }).text, "Ended sub-1.")
  end)

  t.it("steers", function()
    local said
    run({ action = "steer", target = "count", message = "Faster" }, { ["sessions.send"] = function(request)
      said = request.message
      return { session = "sub-1", status = "accepted" }
    end })
    t.equal(said, "Faster")
  end)

  t.it("wants a target and a message", function()
    t.fails_with("invalid_args", run({ action = "kill" }))
    t.fails_with("invalid_args", run({ action = "steer", target = "sub-1" }))
    t.fails_with("not_found", run({ action = "kill", target = "x" }, { ["sessions.kill"] = { error = "E_NOSESSION", message = "none" } }))
  end)
end)
