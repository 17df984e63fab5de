-- What holds for the tasks of every domain: the specs of one call this with their test library and the domain's name.

return function(t, name)
  t.describe(name, function()
    local persona = { name = "Ada", role = "Engineer", experience_level = "Senior" }

    local function instance(task, seed) return t.call("instantiate", task, persona, t.with({ seed = seed })) end

    local function check_texts(value, path)
      if type(value) == "string" then
        t.is_nil(value:match("%$%l[%w_]*%f[^%w_]") and path:find("ask") and value or nil, path .. " has a hole in it")
      elseif type(value) == "table" then
        for key, inner in pairs(value) do check_texts(inner, ("%s.%s"):format(path, tostring(key))) end
      end
    end

    for _, seed in ipairs({ 1, 2, 3 }) do
      t.it(("gives every task a world, stages and goals (seed %d)"):format(seed), function()
        for _, task in ipairs(t.value("tasks")) do
          local made = instance(task.name, seed)
          t.equal(made.task, task.name)
          t.is_true(#made.stages > 0 and #made.goals > 0, task.name)
          local ids = {}
          for _, stage in ipairs(made.stages) do
            t.is_nil(ids[stage.id], ("%s has two stages %s"):format(task.name, stage.id))
            ids[stage.id] = true
            t.is_true(stage.ask.brief ~= "" and stage.ask.full ~= "" and #stage.steps > 0, stage.id)
            check_texts(stage.ask, "ask")
          end
          for _, value in pairs(made.values) do t.contains(made.request, tostring(value), task.name) end
        end
      end)
    end

    t.it("uses only tools that a task names", function()
      for _, task in ipairs(t.value("tasks")) do
        local known = {}
        for _, tool in ipairs(task.tools) do known[tool] = true end
        for _, stage in ipairs(instance(task.name, 4).stages) do
          for _, step in ipairs(stage.steps) do t.is_true(known[step.tool], ("%s uses %s"):format(task.name, step.tool)) end
        end
      end
    end)

    t.it("is the same for the same seed, and another for another", function()
      for _, task in ipairs(t.value("tasks")) do
        t.same(instance(task.name, 7), instance(task.name, 7))
        t.is_false(json.encode(instance(task.name, 7)) == json.encode(instance(task.name, 8)), task.name)
      end
    end)

    t.it("knows its tasks", function()
      t.fails_with("unknown_task", function() t.call("instantiate", "Sing", persona) end)
    end)
  end)
end
