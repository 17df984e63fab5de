local t = require("@test")

t.describe("role", function()
  local function check(query, history)
    return t.call("check", { query = query, history = history or json.array({}),
      intent = { natural_language_intent = "Please sort the folder of the lab." } })
  end

  local function refused(query, reason, history)
    local verdict = check(query, history)
    t.is_false(verdict.ok, ("it should be refused: %s"):format(query))
    t.contains(verdict.reason, reason)
  end

  t.it("lets users speak", function()
    for _, query in ipairs({
      "Please sort the folder by date.", "Thanks! Now count the lines of report.csv.", "ok, next: rename them",
      "I work as an air traffic controller and need the list by noon.",
    }) do
      t.same(check(query), { ok = true })
    end
  end)

  t.it("refuses an empty turn", function()
    refused("", "the turn is empty")
    refused(" ?!", "the turn is empty")
  end)

  t.it("refuses the assistant's voice", function()
    refused("As an AI, I cannot open files.", "speaks as the assistant")
    refused("How can I assist you today?", "speaks as the assistant")
  end)

  t.it("refuses a report", function()
    refused("# Summary\ntext\n# Result\ntext", "laid out like a report")
  end)

  t.it("refuses the same turn again", function()
    local history = { { user = "Please sort the folder by date and then by name.", assistant = "Done." } }
    refused("Please sort the folder by date and then by name.", "word for word", history)
    t.is_true(check("Now do the same with the other one.", history).ok)
  end)

  t.it("refuses another script than the user's", function()
    t.is_false(check("请按日期对文件夹进行排序，然后再按名称排序。").ok)
  end)

  t.it("stands what is not a history", function()
    t.is_true(t.call("check", { query = "Go on with the list." }).ok)
  end)
end)
