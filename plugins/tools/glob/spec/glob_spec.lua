local t = require("@test")

t.describe("glob", function()
  local files = { ["a.py"] = "", ["src/b.py"] = "", ["src/deep/c.py"] = "", ["src/c.txt"] = "", ["logs/x.log"] = "", ["logs/x.gz"] = "" }
  local function find(pattern, more)
    local arguments = more or {}
    arguments.pattern = pattern
    return t.run(arguments, { ws = t.workspace({ files = files }) }).text
  end

  t.it("looks at every depth for a bare name", function() t.equal(find("*.py"), "a.py\nsrc/b.py\nsrc/deep/c.py") end)
  t.it("keeps * within a directory", function() t.equal(find("src/*.py"), "src/b.py") end)
  t.it("takes ** for any depth", function() t.equal(find("src/**/*.py"), "src/b.py\nsrc/deep/c.py") end)
  t.it("takes braces", function() t.equal(find("logs/*.{log,gz}"), "logs/x.gz\nlogs/x.log") end)
  t.it("is relative to path", function() t.equal(find("*.py", { path = "src" }), "b.py\ndeep/c.py") end)
  t.it("takes ? for one character", function() t.equal(find("?.txt"), "src/c.txt") end)
  t.it("says that nothing matches", function() t.contains(find("*.rs"), "No file matches *.rs") end)
  t.it("says what it left out", function() t.equal(find("*.py", { limit = 1 }), "a.py\n[2 more; narrow the pattern]") end)

  t.it("refuses what it cannot do", function()
    local ws = t.workspace({ files = files })
    t.fails_with("not_found", t.run({ pattern = "*", path = "nowhere" }, { ws = ws }))
    t.fails_with("not_directory", t.run({ pattern = "*", path = "a.py" }, { ws = ws }))
    t.fails_with("invalid_args", t.run({ pattern = "/etc/*" }, { ws = ws }))
    t.fails_with("invalid_args", t.run({ pattern = ("{a,b}"):rep(12) }, { ws = ws }))
  end)

  t.it("is not slowed down by stars", function()
    t.contains(find(("*a"):rep(40) .. "*"), "No file matches")
  end)
end)
