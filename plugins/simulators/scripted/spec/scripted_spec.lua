local t = require("@test")

t.describe("scripted", function()
  local stages = {
    { id = "1/sort", task = "Sort", ask = { brief = "Sort inbox.", full = "Could you please sort the folder inbox?" }, repair = { brief = "Again.", full = "Please sort it again." } },
    { id = "1/count", task = "Sort", ask = { brief = "Count it.", full = "How many files are there now?" }, repair = { brief = "Again.", full = "Please count again." } },
  }
  local function done(stage) return { user = "…", assistant = "Done.", stage = stage, digest = { calls = { { tool = "exec", ok = true, exit_code = 0 } } } } end
  local function turn(history, level, seed)
    return t.call("next", { stages = stages, history = json.array(history), level = level,
      persona = { role = "Ward Clerk", experience_level = level or "Junior", communication_style = "Friendly" },
      intent = { natural_language_intent = "Hello. I keep the lists of a ward. Please sort inbox." } }, t.with({ seed = seed or 1 }))
  end

  t.it("opens with the first stage", function()
    local first = turn({})
    t.equal(first.stage, "1/sort")
    t.is_false(first.completed)
    t.contains(first.query, "sort the folder inbox")
  end)

  t.it("is brief when the person is", function()
    t.contains(turn({}, "Executive").query, "Sort inbox.")
  end)

  t.it("goes on to the next stage, then asks for a check, then closes", function()
    t.equal(turn({ done("1/sort") }).stage, "1/count")
    local check = turn({ done("1/sort"), done("1/count") })
    t.equal(check.stage, "verify")
    local last = turn({ done("1/sort"), done("1/count"), done("verify") })
    t.is_true(last.completed)
    t.equal(last.is_success, true)
    t.equal(last.query, "")
  end)

  t.it("says the same for the same seed", function()
    t.same(turn({ done("1/sort") }, "Junior", 4), turn({ done("1/sort") }, "Junior", 4))
  end)

  t.it("plays an intent that has no stages", function()
    local function free(history)
      return t.call("next", { intent = { natural_language_intent = "What is in the file?" }, history = json.array(history) })
    end
    t.equal(free({}).query, "What is in the file?")
    t.equal(free({ done() }).stage, "verify")
    t.is_true(free({ done(), done() }).completed)
  end)
end)
