local t = require("@test")

t.it("lists the agents", function()
  local result = t.run({}, { host = { ["sessions.agents"] = { agents = { { id = "llm", description = "Lets a model act.", version = "1.0.0" } } } } })
  t.equal(result.text, "llm: Lets a model act.")
end)
