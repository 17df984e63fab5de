local t = require("@test")

t.describe("sessions_send", function()
  local function run(arguments, answer)
    arguments.message = "Leave the tests alone."
    return t.run(arguments, { host = { ["sessions.send"] = answer } })
  end

  t.it("gives the answer", function()
    t.equal(run({ label = "count", timeoutSeconds = 2 }, function(request)
      t.equal(request.session, "count")
      t.equal(request.timeout_ms, 2000)
      return { session = "sub-1", status = "ok", reply = "Agreed." }
    end).text, "Agreed.")
  end)

  t.it("tells sent from unanswered from over", function()
    t.equal(run({ sessionKey = "sub-1", timeoutSeconds = 0 }, { session = "sub-1", status = "accepted" }).text, "Sent to sub-1.")
    t.contains(run({ sessionKey = "sub-1" }, { session = "sub-1", status = "timeout" }).text, "not answered within 30 s")
    t.equal(run({ sessionKey = "sub-1" }, { session = "sub-1", status = "ended" }).failed, true)
  end)

  t.it("wants to know to whom", function()
    t.fails_with("invalid_args", run({}, {}))
    t.fails_with("not_found", run({ sessionKey = "x" }, { error = "E_NOSESSION", message = "none" }))
  end)
end)
