local t = require("@test")

t.describe("read", function()
  local ws
  t.before_each(function()
    ws = t.workspace({ files = {
      ["notes/todo.md"] = "one\ntwo\nthree\n", ["notes/Done.md"] = "x\n", ["empty.txt"] = "", ["open.txt"] = "no break",
      ["bin.dat"] = "a\0b", ["long.txt"] = ("a line of the log\n"):rep(5000), ["wide.txt"] = ("x"):rep(60000) .. "\nend\n",
    } })
  end)

  local function read(arguments) return t.run(arguments, { ws = ws }) end

  t.it("shows a file as it is", function()
    local result = read({ path = "notes/todo.md" })
    t.equal(result.text, "one\ntwo\nthree\n")
    t.same(result.details, { lines = 3, bytes = 14, from = 1, shown = 3 })
    t.equal(read({ path = "~/open.txt" }).text, "no break")
    t.equal(read({ path = "/home/user/open.txt" }).details.lines, 1)
  end)

  t.it("shows a page, and says how to go on", function()
    t.equal(read({ path = "notes/todo.md", offset = 2, limit = 1 }).text, "two\n[lines 2-2 of 3 shown; go on with offset 3]")
    t.equal(read({ path = "notes/todo.md", offset = 3 }).text, "three\n")
    local page = read({ path = "long.txt" })
    t.matches(page.text, "%[lines 1%-2000 of 5000 shown; go on with offset 2001%]$")
  end)

  t.it("never shows more than 50 KB", function()
    local result = read({ path = "wide.txt" })
    t.is_true(#result.text < 52000)
    t.contains(result.text, "[line 1 is longer than 51200 bytes and was cut")
  end)

  t.it("says that a file is empty", function()
    t.equal(read({ path = "empty.txt" }).text, "(the file is empty)")
  end)

  t.it("names what may have been meant", function()
    local result = t.fails_with("not_found", read({ path = "notes/done.md" }))
    t.contains(result.text, "near names there: Done.md")
    t.contains(t.fails_with("not_found", read({ path = "nowhere/x.md" })).text, "nowhere is not a directory either")
  end)

  t.it("refuses what is no text file", function()
    t.fails_with("is_directory", read({ path = "notes" }))
    t.fails_with("binary", read({ path = "bin.dat" }))
    t.fails_with("past_end", read({ path = "notes/todo.md", offset = 9 }))
    t.fails_with("invalid_args", function() read({ path = "notes/todo.md", offset = 0 }) end)
  end)

  t.it("attaches an image", function()
    local png = "\137PNG\r\n\26\n" .. ("\0"):rep(4) .. "IHDR" .. (">I4I4"):pack(640, 480)
    local room = t.workspace({ files = { ["plot.png"] = png, ["huge.jpg"] = "\255\216\255" .. ("x"):rep(5 * 1024 * 1024) } })
    local result = t.run({ file_path = "plot.png" }, { ws = room })
    t.equal(result.text, "Read image file plot.png [image/png, 640x480 pixels, 24 bytes]")
    t.equal(result.images[1].mime, "image/png")
    t.matches(result.images[1].data, "^iVBORw0KGgo")
    t.fails_with("too_big", t.run({ path = "huge.jpg" }, { ws = room }))
  end)

  t.it("passes on what the disk says", function()
    t.fails_with("E_IO", function()
      t.run({ path = "open.txt" }, { ws = ws, faults = { { call = "ws.read", code = "E_IO" } } })
    end)
  end)
end)
