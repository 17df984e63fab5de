local t = require("@test")

t.describe("office", function()
  t.it("has people, each with an id of its own and all traits", function()
    local ids, industries = {}, {}
    local people = t.value("personas")
    t.is_true(#people >= 60)
    for _, person in ipairs(people) do
      t.is_nil(ids[person.id], "an id stands twice")
      ids[person.id], industries[person.industry] = true, true
      for _, key in ipairs({ "name", "role", "industry", "experience_level", "communication_style", "work_context" }) do
        t.is_true(type(person[key]) == "string" and person[key] ~= "", ("%s lacks %s"):format(person.name, key))
      end
      t.is_nil(person.about, "`about` is for compose alone")
    end
  end)

  t.it("asks for everything, in a text of a fair length", function()
    for i, person in ipairs(t.value("personas")) do
      if i % 9 == 0 then
        local text = t.call("compose", person, { "sort the folder invoices", "count the lines of orders.csv" })
        t.contains(text, "folder invoices")
        t.contains(text, "orders.csv")
        local words = select(2, text:gsub("%S+", ""))
        t.is_true(words >= 20 and words <= 220, ("%d words"):format(words))
      end
    end
  end)

  t.it("says the same for the same seed, and otherwise for another", function()
    local person = t.value("personas")[1]
    local function say(seed) return t.call("compose", person, { "sort the folder" }, t.with({ seed = seed })) end
    t.equal(say(5), say(5))
    local texts, count = {}, 0
    for seed = 1, 5 do
      local text = say(seed)
      if not texts[text] then texts[text], count = true, count + 1 end
    end
    t.is_true(count >= 3)
  end)
end)
