local t = require("@test")

t.describe("sessions_history", function()
  t.it("shows who said what, and calls when asked", function()
    local result = t.run({ sessionKey = "sub-1", includeTools = true }, { host = { ["sessions.history"] = function(request)
      t.equal(request.tools, true)
      return { session = "sub-1", left_out = 2, messages = {
        { role = "user", content = "Count." },
        { role = "assistant", tool_calls = { { id = "c", ["function"] = { name = "exec", arguments = '{"command":"wc"}' } } } },
        { role = "tool", name = "exec", content = "2" }, { role = "assistant", content = "Two." } } }
    end } })
    t.equal(result.text, '[2 messages before these]\n[user] Count.\n[assistant] -> exec {"command":"wc"}\n[result of exec] 2\n[assistant] Two.')
  end)

  t.it("knows no other session", function()
    t.fails_with("not_found", t.run({ sessionKey = "x" }, { host = { ["sessions.history"] = { error = "E_NOSESSION", message = "none" } } }))
  end)
end)
