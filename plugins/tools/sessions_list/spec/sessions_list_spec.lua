local t = require("@test")
local samples = require("@tool_kit/samples")
local session, main = samples.session, samples.main

t.describe("sessions_list", function()
  local function run(arguments, more)
    local host = { ["sessions.list"] = { own = "main", sessions = { main, session({ label = "count", outcome = "completed" }) } } }
    for key, value in pairs(more or {}) do host[key] = value end
    return t.run(arguments, { now = 1100, host = host })
  end

  t.it("shows kind, state and task", function()
    t.equal(run({}).text, 'main (you): main, running: Everything\nsub-1 "count": subagent, completed: Count errors')
  end)

  t.it("takes filters", function()
    t.equal(#run({ kinds = { "subagent" } }).details.sessions, 1)
    t.equal(#run({ limit = 1 }).details.sessions, 1)
    t.equal(t.run({ activeMinutes = 1 }, { now = 9000, host = { ["sessions.list"] = { own = "main", sessions = { main } } } }).text, "No such sessions.")
  end)

  t.it("adds the last messages when asked", function()
    local result = run({ kinds = { "subagent" }, messageLimit = 1 },
      { ["sessions.history"] = function(request) return { session = request.session, left_out = 0, messages = { { role = "assistant", content = "Two errors." } } } end })
    t.contains(result.text, "\n    assistant: Two errors.")
  end)
end)
