local t = require("@test")

t.describe("edit", function()
  local ws
  t.before_each(function()
    ws = t.workspace({ files = {
      ["app.ini"] = "[server]\nport = 8080\nhost = here\n", ["twice.txt"] = "a\nb\na\n", ["crlf.txt"] = "one\r\ntwo\r\n",
      ["run.sh"] = { content = "echo old\n", mode = 493 }, -- 0755
    }, folders = { "docs" } })
  end)

  local function edit(path, old, new) return t.run({ path = path, oldText = old, newText = new }, { ws = ws }) end

  t.it("replaces the one place", function()
    local result = edit("app.ini", "port = 8080", "port = 9090")
    t.equal(result.text, "Replaced 1 match in app.ini at line 2")
    t.equal(ws:read("app.ini"), "[server]\nport = 9090\nhost = here\n")
  end)

  t.it("takes texts as they are, not as patterns", function()
    ws:write("odd.txt", "a.b%d[x]\n")
    edit("odd.txt", ".b%d[", "%1.")
    t.equal(ws:read("odd.txt"), "a%1.x]\n")
  end)

  t.it("deletes with an empty text", function()
    edit("app.ini", "port = 8080\n", "")
    t.equal(ws:read("app.ini"), "[server]\nhost = here\n")
  end)

  t.it("keeps the mode", function()
    edit("run.sh", "old", "new")
    t.equal(ws:stat("run.sh").mode, 493)
  end)

  t.it("changes nothing when the text is not there, and shows the nearest line", function()
    local result = t.fails_with("no_match", edit("app.ini", "port= 8080", "port = 1"))
    t.contains(result.text, "the nearest line is 2: port = 8080")
    t.contains(edit("crlf.txt", "one\ntwo", "x").text, "the file has CRLF line ends")
    t.equal(ws:read("app.ini"), "[server]\nport = 8080\nhost = here\n")
  end)

  t.it("changes nothing when the text is there more than once, and says where", function()
    local result = t.fails_with("many_matches", edit("twice.txt", "a", "x"))
    t.contains(result.text, "occurs 2 times in twice.txt (lines 1, 3)")
    t.equal(ws:read("twice.txt"), "a\nb\na\n")
  end)

  t.it("refuses what it cannot edit", function()
    t.fails_with("not_found", edit("nothing.txt", "a", "b"))
    t.fails_with("is_directory", edit("docs", "a", "b"))
    t.fails_with("same_text", edit("app.ini", "port", "port"))
    t.fails_with("invalid_args", function() edit("app.ini", "", "b") end)
  end)
end)
