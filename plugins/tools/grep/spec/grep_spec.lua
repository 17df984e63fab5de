local t = require("@test")

t.describe("grep", function()
  local files = { ["a.txt"] = "needle one\nnothing\n", ["d/b.txt"] = "two needle\n" }

  t.it("shows path, line and text", function()
    local ws = t.workspace({ files = files, exec = { ["grep *"] = "./d/b.txt\0001:two needle\n./a.txt\0001:needle one\n" } })
    local result = t.run({ pattern = "needle" }, { ws = ws })
    t.equal(result.text, "a.txt:1:needle one\nd/b.txt:1:two needle")
    t.equal(result.details.matches, 2)
  end)

  t.it("names files only when told to", function()
    local ws = t.workspace({ files = files, exec = { ["grep *"] = "./d/b.txt\0./a.txt\0" } })
    t.equal(t.run({ pattern = "needle", filesOnly = true }, { ws = ws }).text, "a.txt\nd/b.txt")
  end)

  t.it("says that nothing matches", function()
    local ws = t.workspace({ files = files, exec = { ["grep *"] = { code = 1 } } })
    t.equal(t.run({ pattern = "zebra" }, { ws = ws }).text, "No match for zebra in ..")
  end)

  t.it("passes the pattern as one word, whatever is in it", function()
    local ws = t.workspace({ files = files, exec = function() return { code = 1 } end })
    t.run({ pattern = "-x; rm -rf $(pwd)", fixed = true, ignoreCase = true, include = "*.txt" }, { ws = ws })
    t.same(ws.commands[1], { "grep", "-rIHnZ", "--color=never", "--exclude-dir=.git", "-F", "-i", "--include=*.txt", "-e", "-x; rm -rf $(pwd)", "--", "." })
    t.equal(#t.workspace({ files = files }).commands, 0)
  end)

  t.it("tells what is wrong with a pattern", function()
    local ws = t.workspace({ files = files, exec = { ["grep *"] = { code = 2, stderr = "grep: Unmatched ( or \\(\n" } } })
    t.contains(t.fails_with("grep_failed", t.run({ pattern = "(" }, { ws = ws })).text, "Unmatched (")
  end)

  t.it("bounds its output", function()
    local many = {}
    for i = 1, 300 do many[i] = "x " .. i end
    local ws = t.workspace({ files = { ["m.txt"] = table.concat(many, "\n") .. "\n" }, exec = function()
      local lines = {}
      for i = 1, 300 do lines[i] = ("./m.txt\0%d:x %d"):format(i, i) end
      return table.concat(lines, "\n") .. "\n"
    end })
    local result = t.run({ pattern = "x", limit = 10 }, { ws = ws })
    t.contains(result.text, "[290 more lines; narrow the pattern or the path]")
    t.is_true(result.details.truncated)
  end)

  t.it("refuses a path that is not there", function()
    t.fails_with("not_found", t.run({ pattern = "x", path = "nowhere" }, { ws = t.workspace() }))
  end)
end)
