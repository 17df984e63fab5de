extension Scaffold.Template {
    static let persona = Scaffold.Template(
        manifest: """
            {
              "api": 1,
              "kind": "persona",
              "name": "NAME",
              "version": "0.1.0",
              "description": "People of one trade, and how they ask for things.",
              "limits": { "cpu_ms": 1000, "memory_mb": 32 }
            }

            """,
        main: """
            -- The people of the pool, and `compose`, which writes what one of them asks for in their own words.

            local personas = {
              {
                id = "UUID", name = "Rosa Ibarra", role = "Bookbinder", industry = "Crafts", experience_level = "Senior",
                communication_style = "Friendly", expertise = { "Restoration" }, work_context = "A workshop of three",
                common_goals = { "Orders on time" }, tools_preference = { "Plain text lists" },
              },
            }

            local greetings = { "Hello", "Good morning", "Hi there" }

            local function compose(persona, requests)
              return ("%s, %s here. Could you please %s?"):format(random.pick(greetings), persona.name, table.concat(requests, ", and then "))
            end

            return { personas = personas, compose = compose }

            """,
        spec: """
            local t = require("@test")

            t.describe("NAME", function()
              t.it("has people with an id and a name", function()
                for _, person in ipairs(t.value("personas")) do
                  t.is_true(person.id ~= "" and person.name ~= "")
                end
              end)

              t.it("asks for everything, in its own words", function()
                local text = t.call("compose", t.value("personas")[1], { "sort the orders", "count them" })
                t.contains(text, "sort the orders, and then count them")
                t.contains(text, "Rosa Ibarra")
              end)

              t.it("says the same for the same seed", function()
                local function say(seed) return t.call("compose", { name = "A" }, { "b" }, t.with({ seed = seed })) end
                t.equal(say(3), say(3))
              end)
            end)

            """)

    static let domain = Scaffold.Template(
        manifest: """
            {
              "api": 1,
              "kind": "domain",
              "name": "NAME",
              "version": "0.1.0",
              "description": "Tasks of one field, each with its files, its goals and the steps of the scripted agent.",
              "limits": { "cpu_ms": 2000, "memory_mb": 64 }
            }

            """,
        main: #"""
            -- `tasks` says what there is; `instantiate` gives one task concrete values: the files that are there at first, what the
            -- user asks for, what the scripted agent does, and what must be true in the end.

            local tasks = {
              { id = "UUID", name = "Count Orders", description = "Count the orders of a list and write the number down.",
                tools = { "exec", "write" }, skills = json.array({}) },
            }

            local function count_orders()
              local orders = {}
              for i = 1, random.int(5, 20) do orders[i] = ("%d,order %d"):format(i, i) end
              local file, report = "orders-" .. random.int(100, 999) .. ".csv", "count.txt"
              local command = ("wc -l < %s > %s && cat %s"):format(file, report, report)
              local words = ("count the lines of %s and write the number to %s"):format(file, report)
              return {
                values = { file = file, report = report },
                request = words,
                fixture = { files = { [file] = table.concat(orders, "\n") .. "\n" } },
                goals = {
                  { kind = "unchanged", path = file },
                  { kind = "file_equals", path = report, content = ("%d\n"):format(#orders) },
                },
                stages = {
                  {
                    id = "count",
                    ask = { brief = words:gsub("^%l", string.upper) .. ".", full = "Could you please " .. words .. "?" },
                    steps = { { id = "count", tool = "exec", arguments = { command = command } } },
                    reply = ("There are {{count.stdout}} orders in %s; the number is in %s."):format(file, report),
                  },
                },
                verify = {
                  steps = { { id = "again", tool = "exec", arguments = { command = "cat " .. report } } },
                  reply = "The file says {{again.stdout}}.",
                },
              }
            end

            local makers = { ["Count Orders"] = count_orders }

            local function instantiate(name, persona, ctx)
              local make = makers[name]
              if not make then return ctx.fail("unknown_task", ("NAME has no task named %s"):format(tostring(name))) end
              local instance = make(persona)
              instance.task = name
              return instance
            end

            return {
              id = "UUID", name = "NAME", description = "Work with lists of orders.", tasks = tasks, instantiate = instantiate,
            }

            """#,
        spec: #"""
            local t = require("@test")

            t.describe("NAME", function()
              local function instance(seed)
                return t.call("instantiate", "Count Orders", { name = "Ada" }, t.with({ seed = seed }))
              end

              t.it("gives every task a world, stages and goals", function()
                for _, task in ipairs(t.value("tasks")) do
                  local made = t.call("instantiate", task.name, { name = "Ada" })
                  t.is_true(#made.stages > 0 and #made.goals > 0)
                  t.contains(made.request, made.values.file)
                end
              end)

              t.it("expects what is in its own files", function()
                local made = instance(2)
                local _, lines = made.fixture.files[made.values.file]:gsub("\n", "")
                t.equal(made.goals[2].content, lines .. "\n")
              end)

              t.it("is the same for the same seed", function()
                t.same(instance(3), instance(3))
              end)

              t.it("knows its tasks", function()
                t.fails_with("unknown_task", function() t.call("instantiate", "Sing", {}) end)
              end)
            end)

            """#)

    static let simulator = Scaffold.Template(
        manifest: """
            {
              "api": 1,
              "kind": "simulator",
              "name": "NAME",
              "version": "0.1.0",
              "description": "Plays the user: asks for one stage of the task after the other, then closes.",
              "limits": { "cpu_ms": 1000, "memory_mb": 32 }
            }

            """,
        main: """
            -- Decides the user's next turn from view.stages, view.history (what was said and done) and view.persona.

            local function next_turn(view)
              local stages, history = view.stages or {}, view.history or {}
              local stage = stages[#history + 1]
              if stage then
                return { completed = false, query = stage.ask.full, reason = "next is " .. stage.id, stage = stage.id }
              end
              if #history == #stages then
                return { completed = false, query = "Could you check once more that all of it is right?", reason = "one check", stage = "verify" }
              end
              return { completed = true, query = "", reason = "all stages are done", is_success = true }
            end

            return { next = next_turn }

            """,
        spec: """
            local t = require("@test")

            t.describe("NAME", function()
              local stages = { { id = "a", ask = { full = "Do a." } }, { id = "b", ask = { full = "Do b." } } }
              local function turn(count)
                local history = {}
                for i = 1, count do history[i] = { user = "…", assistant = "done", digest = {} } end
                return t.call("next", { stages = stages, history = history, persona = {} })
              end

              t.it("asks for one stage after the other", function()
                t.equal(turn(0).query, "Do a.")
                t.equal(turn(1).query, "Do b.")
              end)

              t.it("asks for a check, then closes", function()
                t.equal(turn(2).stage, "verify")
                t.same(turn(3), { completed = true, query = "", reason = "all stages are done", is_success = true })
              end)
            end)

            """)

    static let agent = Scaffold.Template(
        manifest: """
            {
              "api": 1,
              "kind": "agent",
              "name": "NAME",
              "version": "0.1.0",
              "description": "Asks a model for the next step: tool calls, or an answer.",
              "config": {
                "type": "object",
                "properties": { "temperature": { "type": "number", "minimum": 0, "maximum": 2, "default": 0 } }
              },
              "permissions": { "model": true },
              "limits": { "cpu_ms": 1000, "memory_mb": 64, "wall_ms": 300000 }
            }

            """,
        main: """
            -- One step of the agent. It sees the dialogue (view.messages) and the tools (view.tools) and acts through them alone: it
            -- returns {calls = {…}} to have tools run, or {say = "…"} to answer the user.

            local function next_step(view, ctx)
              local answer = chat({
                messages = view.messages,
                tools = #view.tools > 0 and view.tools or nil,
                temperature = ctx.config.temperature,
              })
              local message = answer.message
              local calls = {}
              for i, call in ipairs(type(message.tool_calls) == "table" and message.tool_calls or {}) do
                calls[i] = { id = call.id, name = call["function"].name, arguments = call["function"].arguments }
              end
              if #calls > 0 then return { calls = calls, text = message.content } end
              return { say = message.content or "" }
            end

            return { next = next_step }

            """,
        spec: """
            local t = require("@test")

            t.describe("NAME", function()
              local view = { messages = { { role = "user", content = "List the files." } }, tools = json.array({}) }

              t.it("says what the model says", function()
                local chat = { "There are none." }
                t.equal(t.call("next", view, t.with({ chat = chat })).say, "There are none.")
                t.equal(chat.asked[1].temperature, 0)
              end)

              t.it("passes calls on as they are", function()
                local chat = { { tool_calls = { { id = "c1", name = "exec", arguments = { command = "ls" } } } } }
                local calls = t.call("next", view, t.with({ chat = chat })).calls
                t.same(calls, { { id = "c1", name = "exec", arguments = '{"command":"ls"}' } })
              end)

              t.it("does not hide that the model is gone", function()
                local chat = { { error = "E_MODEL", message = "no answer" } }
                t.fails_with("E_MODEL", function() t.call("next", view, t.with({ chat = chat })) end)
              end)
            end)

            """)
}
