local t = require("@test")

t.describe("write", function()
  local ws
  t.before_each(function()
    ws = t.workspace({ files = { ["run.sh"] = { content = "#!/bin/sh\n", mode = 493 } }, folders = { "docs" } }) -- 0755
  end)

  local function write(path, content) return t.run({ path = path, content = content }, { ws = ws }) end

  t.it("creates a file with the folders above it", function()
    local result = write("a/b/c.txt", "one\ntwo\n")
    t.equal(result.text, "Created a/b/c.txt (2 lines, 8 bytes)")
    t.equal(ws:read("a/b/c.txt"), "one\ntwo\n")
    t.equal(result.details.created, true)
  end)

  t.it("adds nothing to what it is given", function()
    write("open.txt", "no break")
    t.equal(ws:read("open.txt"), "no break")
    t.equal(write("empty.txt", "").text, "Created empty.txt (0 lines, 0 bytes)")
    t.equal(write("one.txt", "x").text, "Created one.txt (1 line, 1 byte)")
  end)

  t.it("replaces a file and keeps its mode", function()
    t.equal(write("run.sh", "#!/bin/sh\nls\n").text, "Replaced run.sh (2 lines, 13 bytes)")
    t.equal(ws:stat("run.sh").mode, 493)
  end)

  t.it("refuses a directory", function()
    t.fails_with("is_directory", write("docs", "x"))
    t.fails_with("is_directory", write("new/", "x"))
  end)

  t.it("passes on that there is no right to write", function()
    t.fails_with("E_ACCES", function() write("/etc/mine", "x") end)
    t.fails_with("E_NOSPC", function()
      t.run({ path = "a", content = "x" }, { ws = ws, faults = { { call = "ws.write", code = "E_NOSPC" } } })
    end)
    t.is_false(ws:exists("a"))
  end)
end)
