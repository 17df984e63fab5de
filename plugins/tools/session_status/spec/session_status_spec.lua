local t = require("@test")
local samples = require("@tool_kit/samples")
local session, main = samples.session, samples.main

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
