local t = require("@test")

t.describe("memory_search", function()
  local function run(arguments, answer) return t.run(arguments, { ws = t.workspace(), host = { ["memory.search"] = answer } }) end

  t.it("shows passages with file, lines and score", function()
    local result = run({ query = "invoices" }, function(request)
      t.equal(request.max_results, 6)
      return { files = { "MEMORY.md" }, mode = "words", results = { { path = "MEMORY.md", from = 3, to = 5, score = 0.8, text = "Ada signs." } } }
    end)
    t.equal(result.text, "MEMORY.md, lines 3-5, score 0.80\nAda signs.")
  end)

  t.it("tells no memory from no match", function()
    t.contains(run({ query = "x" }, { files = json.array({}), mode = "words", results = json.array({}) }).text, "no memory files")
    t.equal(run({ query = "x" }, { files = { "a", "b" }, mode = "words", results = json.array({}) }).text, "Nothing about x in 2 memory files.")
  end)
end)
