/// The module "@test" of specs: groups, tests and assertions. What needs the host goes through the table `_stage`.
enum TestLibrary {
    static let name = "@test"

    static let source = #"""
        local t = {}
        local tests, groups, before = {}, {}, {}
        local defining = true

        -- What a plugin raised, as a value that reads well.
        local raised = { __tostring = function(e) return ("%s: %s"):format(e.code, e.message) end, __name = "error" }

        local function fail(message, note)
          _stage.note(note or {})
          error(message, 3)
        end

        -- MARK: groups and tests

        local function copy(list)
          return table.move(list, 1, #list, 1, {})
        end

        function t.describe(name, body)
          groups[#groups + 1] = tostring(name)
          local kept = before
          before = copy(before)
          body()
          before = kept
          groups[#groups] = nil
        end

        function t.before_each(body)
          before[#before + 1] = body
        end

        function t.it(name, body, options)
          options = options or {}
          if type(body) ~= "function" then error(("t.it(%q) needs a function"):format(tostring(name)), 2) end
          for key in pairs(options) do
            if key ~= "only" and key ~= "skip" then error(("t.it has no option %q; the options are only, skip"):format(tostring(key)), 2) end
          end
          local _, where = pcall(error, "", 3)
          local path = copy(groups)
          path[#path + 1] = tostring(name)
          tests[#tests + 1] = { name = json.array(path), where = where, body = body, before = copy(before),
            only = options.only, skip = options.skip }
        end

        -- MARK: assertions

        local function show(value)
          if type(value) == "string" then return ("%q"):format(value):gsub("\\\n", "\\n") end
          if type(value) ~= "table" then return tostring(value) end
          local ok, text = pcall(json.encode, value)
          return ok and text or tostring(value)
        end

        local function keys_of(a, b)
          local seen, keys = {}, {}
          for _, source in ipairs({ a, b }) do
            for key in pairs(source) do
              if not seen[key] then seen[key], keys[#keys + 1] = true, key end
            end
          end
          return keys
        end

        -- The first place where two values differ, nil when they are alike.
        local function difference(a, b, path, depth)
          if a == b then return nil end
          if type(a) ~= "table" or type(b) ~= "table" or depth > 60 then return path, a, b end
          for _, key in ipairs(keys_of(a, b)) do
            local place = type(key) == "number" and ("%s[%s]"):format(path, key) or ("%s.%s"):format(path, tostring(key))
            local where, x, y = difference(a[key], b[key], place, depth + 1)
            if where then return where, x, y end
          end
          return nil
        end

        function t.equal(got, wanted, why)
          if got == wanted then return end
          local hint = type(got) == "table" and type(wanted) == "table" and "; t.same compares tables by what is in them" or ""
          fail(("%sexpected %s, got %s%s"):format(why and why .. ": " or "", show(wanted), show(got), hint), { got = got, wanted = wanted })
        end

        function t.same(got, wanted, why)
          local where, x, y = difference(got, wanted, "", 0)
          if not where then return end
          local place = where == "" and "" or (where:gsub("^%.", "") .. ": ")
          fail(("%s%sexpected %s, got %s"):format(why and why .. ": " or "", place, show(y), show(x)), { got = got, wanted = wanted })
        end

        function t.matches(text, pattern, why)
          if type(text) == "string" and text:find(pattern) then return end
          fail(("%sexpected a text that matches %s, got %s"):format(why and why .. ": " or "", show(pattern), show(text)), { got = text })
        end

        function t.contains(text, piece, why)
          if type(text) == "string" and text:find(piece, 1, true) then return end
          fail(("%sexpected a text with %s in it, got %s"):format(why and why .. ": " or "", show(piece), show(text)), { got = text })
        end

        function t.is_true(value, why)
          if value then return end
          fail(why or ("expected something true, got %s"):format(show(value)))
        end

        function t.is_false(value, why)
          if not value then return end
          fail(why or ("expected false or nil, got %s"):format(show(value)))
        end

        function t.is_nil(value, why)
          if value == nil then return end
          fail(("%sexpected nil, got %s"):format(why and why .. ": " or "", show(value)), { got = value })
        end

        function t.fail(message) fail(tostring(message)) end

        function t.raises(body, pattern)
          local ok, problem = pcall(body)
          if ok then fail("expected an error, there was none") end
          if _stage.broken() then error(problem, 0) end
          if pattern and not tostring(problem):find(pattern) then
            fail(("expected an error that matches %s, got %s"):format(show(pattern), show(tostring(problem))))
          end
          return problem
        end

        -- Also takes a result that says {failed = true, details = {code = …}}.
        function t.fails_with(code, body)
          local ok, answer = true, body
          if type(body) == "function" then ok, answer = pcall(body) end
          if _stage.broken() then error(answer, 0) end
          local got
          if type(answer) == "table" then
            if not ok then got = answer.code
            elseif answer.failed then got = type(answer.details) == "table" and answer.details.code or "(failed without details.code)" end
          end
          if got == code then return answer end
          if got then
            local text = type(answer) == "table" and (answer.message or answer.text) or ""
            fail(("expected the error %s, got %s: %s"):format(code, got, tostring(text)), { got = answer })
          elseif ok then
            fail(("expected the error %s, but the call succeeded"):format(code), { got = answer })
          end
          fail(("expected the error %s, got %s"):format(code, tostring(answer)))
        end

        -- MARK: workspaces

        local Workspace = {}
        Workspace.__index = Workspace
        Workspace.__name = "workspace"

        local function check_keys(value, known, what, level)
          for key in pairs(value) do
            local found = false
            for _, name in ipairs(known) do found = found or name == key end
            if not found then
              error(("%s has no option %q; the options are %s"):format(what, tostring(key), table.concat(known, ", ")), level or 3)
            end
          end
        end

        function t.workspace(spec)
          spec = spec or {}
          check_keys(spec, { "files", "folders", "exec" }, "t.workspace")
          return setmetatable({ spec = spec, commands = {}, asked = {} }, Workspace)
        end

        function Workspace:open()
          if defining then error("a workspace is used inside of t.it, not while the tests are defined", 3) end
          if not self.id then
            local files = json.array({})
            for path, content in pairs(self.spec.files or {}) do
              local file = type(content) == "table" and content or { content = content }
              files[#files + 1] = { path = path, content = file.content or "", mode = file.mode }
            end
            self.id = _stage.open({ files = files, folders = json.array(copy(self.spec.folders or {})) })
          end
          return self.id
        end

        function Workspace:read(path) return _stage.read(self:open(), path) end
        function Workspace:write(path, content, mode) _stage.write(self:open(), path, content, mode) end
        function Workspace:list(path) return _stage.list(self:open(), path or ".") end
        function Workspace:stat(path) return _stage.stat(self:open(), path) end
        function Workspace:exists(path) return self:stat(path) ~= nil end
        function Workspace:remove(path) _stage.remove(self:open(), path) end

        -- MARK: scripted answers

        -- "git log *": * stands for anything.
        local function glob(pattern)
          local plain = pattern:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0")
          return "^" .. plain:gsub("%*", ".*") .. "$"
        end

        local function fits(pattern, argv)
          if type(pattern) == "string" then return table.concat(argv, " "):find(glob(pattern)) ~= nil end
          if #pattern > #argv then return false end
          for i, piece in ipairs(pattern) do
            if not argv[i]:find(glob(piece)) then return false end
          end
          return #pattern == #argv or pattern[#pattern] == "*"
        end

        local function find_script(script, argv)
          for key, answer in pairs(script) do
            if type(key) == "string" then
              if fits(key, argv) then return answer, key end
            elseif type(answer) == "table" and (answer[1] or answer.argv) then
              if fits(answer.argv or answer[1], argv) then return answer, key end
            else
              error("an exec script is {[\"git status\"] = answer} or a list of {\"git status\", stdout = …}", 0)
            end
          end
        end

        local exec_answer = { "code", "stdout", "stderr", "signal", "timed_out", "wall_ms", "files", "error", "message", "argv",
          "left_running", "stdout_bytes", "stderr_bytes", "ended_by", "running", "replies", "ends_with_input", 1 }

        local function exec(request, ws)
          local script = ws.spec.exec
          if type(script) == "function" then return script(request, ws) end
          local answer, key = find_script(script or {}, request.argv)
          if answer == nil then
            local command = table.concat(request.argv, " ")
            error(("the plugin runs %s, for which this workspace has no answer; add exec = { [%q] = { stdout = \"…\" } } to t.workspace")
              :format(show(request.argv), command), 0)
          end
          if type(answer) == "function" then return answer(request, ws) end
          if type(key) == "string" and type(answer) == "table" and answer[1] then -- answers in turn, the last for the rest
            local count = (ws.asked[key] or 0) + 1
            ws.asked[key] = count
            answer = answer[math.min(count, #answer)]
          end
          return answer
        end

        local function answer_exec(event, ws)
          if not ws then error("the plugin uses ws.exec, but the call has no workspace; give it one with { ws = t.workspace{…} }", 0) end
          local answer = exec(event.request, ws)
          if answer == nil then answer = {} end
          if type(answer) == "string" then answer = { stdout = answer } end
          check_keys(answer, exec_answer, "an exec answer")
          for path, content in pairs(answer.files or {}) do
            if content == false then ws:remove(path) else ws:write(path, content) end
          end
          local given = {}
          for key, value in pairs(answer) do
            if type(key) == "string" and key ~= "files" and key ~= "argv" then given[key] = value end
          end
          return given
        end

        local function tool_calls(calls)
          local list = {}
          for i, call in ipairs(calls) do
            local arguments = call.arguments
            if type(arguments) ~= "string" then arguments = json.encode(arguments or json.object()) end
            list[i] = call["function"] and call
              or { id = call.id or ("call_%d"):format(i), type = "function", ["function"] = { name = call.name, arguments = arguments } }
          end
          return list
        end

        local function answer_chat(event, chat)
          if chat == nil then error("the plugin asks a model, but the call has no answers; give it some with { chat = { \"…\" } }", 0) end
          local answer
          if type(chat) == "function" then
            answer = chat(event.request)
          else
            chat.asked = chat.asked or {}
            chat.asked[#chat.asked + 1] = event.request
            answer = chat[#chat.asked]
            if answer == nil then error(("the plugin asks the model %d times, but only %d answers are scripted"):format(#chat.asked, #chat), 0) end
            if type(answer) == "function" then answer = answer(event.request) end
          end
          if type(answer) == "string" then answer = { content = answer } end
          if answer.error or answer.message then return answer end
          local message = { role = "assistant", content = answer.content, reasoning_content = answer.reasoning_content }
          if answer.tool_calls then message.tool_calls = tool_calls(answer.tool_calls) end
          return { message = message, finish_reason = answer.finish_reason or (answer.tool_calls and "tool_calls" or "stop"),
            usage = answer.usage or { prompt_tokens = 1, completion_tokens = 1 } }
        end

        local function answer_host(event, host)
          local answer = host[event.name]
          if type(answer) == "function" then answer = answer(table.unpack(event.arguments)) end
          if type(answer) == "table" and answer.error and answer.message then return { error = answer.error, message = answer.message } end
          return { value = answer }
        end

        -- MARK: calls

        local options = { "ws", "config", "faults", "now", "seed", "chat", "host" }

        local function reply(event, o)
          if event.ask == "exec" then return answer_exec(event, o.ws) end
          if event.ask == "chat" then return answer_chat(event, o.chat) end
          return answer_host(event, o.host)
        end

        local function perform(name, arguments, o, golden)
          if defining then error("the plugin is called inside of t.it, not while the tests are defined", 3) end
          o = o or {}
          check_keys(o, options, "a call", 4)
          local names = json.array({})
          for name in pairs(o.host or {}) do names[#names + 1] = name end
          local event = _stage.call({ ["function"] = name, arguments = arguments, ws = o.ws and o.ws:open(), config = o.config,
            faults = o.faults, now = o.now, seed = o.seed, chat = o.chat ~= nil, host = names, golden = golden })
          while event.ask do
            local ok, answer = pcall(reply, event, o)
            if not ok then
              _stage.abandon()
              error(answer, 0)
            end
            event = _stage.answer(answer)
          end
          for _, command in ipairs(event.commands or {}) do o.ws.commands[#o.ws.commands + 1] = command end
          if event.error then error(setmetatable(event.error, raised), 0) end
          return event.result
        end

        function t.run(arguments, o)
          if _stage.kind() ~= "tool" then error(("t.run is for tools; call a function of a %s with t.call(name, …)"):format(_stage.kind()), 2) end
          local result = perform("run", json.array({ arguments or json.object() }), o)
          return result
        end

        -- The function's arguments, then the options; the options may be left out when the last argument is no table of options.
        function t.call(name, ...)
          local arguments, o = table.pack(...), nil
          local last = arguments[arguments.n]
          if arguments.n > 0 and getmetatable(last) == t.options_mark then
            o, arguments[arguments.n], arguments.n = last.options, nil, arguments.n - 1
          end
          local list = json.array({})
          for i = 1, arguments.n do list[i] = arguments[i] == nil and json.null or arguments[i] end
          local result = perform(name, list, o)
          return result
        end

        t.options_mark = {}

        -- Marks the last argument of t.call as the options of the call.
        function t.with(o)
          check_keys(o, options, "t.with")
          return setmetatable({ options = o }, t.options_mark)
        end

        function t.value(member)
          if defining then error("the plugin is asked inside of t.it, not while the tests are defined", 2) end
          local value = _stage.value(member)
          return value
        end

        function t.golden(name, arguments, o)
          o = o or {}
          local call = o.call or "run"
          local rest = {}
          for key, value in pairs(o) do if key ~= "call" then rest[key] = value end end
          local ok, answer = pcall(perform, call, json.array({ arguments or json.object() }), rest, name)
          if not ok and getmetatable(answer) ~= raised and not (type(answer) == "table" and answer.code) then error(answer, 0) end
          if _stage.broken() then error(answer, 0) end
          local problem = _stage.golden(name)
          if problem then fail(problem.message, { got = problem.got, wanted = problem.wanted }) end
          return answer
        end

        -- MARK: for the runner

        t.runner = {
          list = function()
            defining = false
            local list = json.array({})
            for i, test in ipairs(tests) do list[i] = { name = test.name, where = test.where, only = test.only, skip = test.skip } end
            return list
          end,
          run = function(number)
            defining = false
            local test = tests[number]
            for _, body in ipairs(test.before) do body() end
            test.body()
            return {}
          end,
        }

        setmetatable(t, { __index = function(_, name)
          local names = json.array({})
          for known in pairs(t) do names[#names + 1] = known end
          error(("@test has no %q%s"):format(tostring(name), _stage.suggest(tostring(name), names)), 2)
        end })

        return t
        """#
}
