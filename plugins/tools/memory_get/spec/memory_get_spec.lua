local t = require("@test")

t.describe("memory_get", function()
  local function run(arguments, answer) return t.run(arguments, { ws = t.workspace(), host = { ["memory.get"] = answer } }) end

  t.it("gives lines, and says where they stand when there are more", function()
    local result = run({ path = "MEMORY.md", from = 2, lines = 2 }, function(request)
      t.equal(request.from, 2)
      return { path = "MEMORY.md", from = 2, to = 3, total = 9, text = "b\nc" }
    end)
    t.equal(result.text, "b\nc\n[lines 2-3 of 9]")
    t.equal(run({ path = "MEMORY.md" }, { path = "MEMORY.md", from = 1, to = 1, total = 1, text = "a" }).text, "a")
  end)

  t.it("refuses other files and lines beyond the end", function()
    t.fails_with("not_found", run({ path = "/etc/passwd" }, { error = "E_NOENT", message = "no memory file" }))
    t.fails_with("past_end", run({ path = "MEMORY.md", from = 9 }, { path = "MEMORY.md", from = 9, to = 8, total = 2, text = "" }))
  end)
end)
