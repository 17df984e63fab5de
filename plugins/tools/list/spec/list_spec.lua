local t = require("@test")

t.describe("list", function()
  local function room() return t.workspace({ files = { ["a.txt"] = "12345", ["d/b.txt"] = "1" }, folders = { "empty" } }) end

  t.it("shows names, kinds and sizes", function()
    t.equal(t.run({}, { ws = room() }).text, "a.txt  5\nd/\nempty/")
  end)

  t.it("goes below when it is told to", function()
    t.contains(t.run({ recursive = true }, { ws = room() }).text, "d/b.txt  1")
  end)

  t.it("says when there was more", function()
    local result = t.run({ limit = 1 }, { ws = room() })
    t.is_true(result.details.truncated)
    t.contains(result.text, "more than 1 entries")
  end)

  t.it("says that a directory is empty, a file none, and nothing nothing", function()
    t.equal(t.run({ path = "empty" }, { ws = room() }).text, "(empty)")
    t.fails_with("not_directory", t.run({ path = "a.txt" }, { ws = room() }))
    t.fails_with("not_found", t.run({ path = "nowhere" }, { ws = room() }))
  end)
end)
