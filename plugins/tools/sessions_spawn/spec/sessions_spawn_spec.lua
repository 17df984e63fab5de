local t = require("@test")

t.describe("sessions_spawn", function()
  local function run(arguments, answer, ws)
    arguments.task = arguments.task or "Count the errors."
    return t.run(arguments, { ws = ws or t.workspace(), host = { ["sessions.spawn"] = answer or function() return { session = "sub-1", isolated = false } end } })
  end

  t.it("starts a session and says how its answer comes", function()
    local asked
    local result = run({ label = "count", sandbox = "require", mode = "session", runTimeoutSeconds = 5, cwd = "logs" }, function(request)
      asked = request
      return { session = "sub-1", isolated = true }
    end)
    t.equal(result.text, "Started the session sub-1 (count). It works while you go on; its answer comes to you as a message.")
    t.equal(result.details.childSessionKey, "sub-1")
    t.equal(asked.task, "Count the errors.\n\nWork in the directory logs.")
    t.same({ asked.label, asked.isolated, asked.keep, asked.timeout_ms }, { "count", true, true, 5000 })
  end)

  t.it("writes attachments and names them", function()
    local ws, asked = t.workspace(), nil
    run({ attachments = { { name = "list.txt", content = "a\n" } }, attachAs = { mountPath = "in" } }, function(request)
      asked = request.task
      return { session = "sub-1", isolated = false }
    end, ws)
    t.equal(ws:read("in/list.txt"), "a\n")
    t.contains(asked, "Files for this task: in/list.txt")
    t.fails_with("invalid_args", run({ attachments = { { name = "../x", content = "" } } }))
  end)

  t.it("refuses what is not there before it starts anything", function()
    local function never() t.fail("it started one") end
    t.fails_with("unsupported", run({ runtime = "acp" }, never))
    t.fails_with("unsupported", run({ thread = true }, never))
    t.fails_with("unsupported", run({ model = "gpt" }, never))
    t.fails_with("unsupported", run({ resumeSessionId = "sub-1" }, never))
  end)

  t.it("passes on why none could be started", function()
    t.fails_with("limit", run({}, { error = "E_LIMIT", message = "too many" }))
    t.fails_with("busy", run({ sandbox = "require" }, { error = "E_BUSY", message = "a command is running" }))
  end)
end)
