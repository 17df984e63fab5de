local t = require("@test")

local function session(more)
  local s = { session = "sub-1", status = "running", kind = "subagent", task = "Count errors", depth = 1, started = 1000, updated = 1060, messages = 4,
    turns = 1, tool_calls = 3, failures = 1, tokens = 50, parent = "main" }
  for key, value in pairs(more or {}) do s[key] = value end
  return s
end
local main = session({ session = "main", kind = "main", depth = 0, task = "Everything" })
main.parent = nil

t.describe("session_status", function()
  t.it("says what a session has used", function()
    local result = t.run({ sessionKey = "sub-1" }, { now = 1100, host = { ["sessions.status"] = session({ label = "count" }) } })
    t.equal(result.text, "Session sub-1 (count): running for 100 s; 1 turn, 3 tool calls (1 failed), 50 tokens. Time: 1970-01-01T00:18:20Z")
  end)

  t.it("knows no other model and no other session", function()
    t.fails_with("unsupported", t.run({ model = "gpt" }, { host = { ["sessions.status"] = main } }))
    t.fails_with("not_found", t.run({ sessionKey = "x" }, { host = { ["sessions.status"] = { error = "E_NOSESSION", message = "there is no session" } } }))
  end)
end)
