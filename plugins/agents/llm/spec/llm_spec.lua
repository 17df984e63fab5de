local t = require("@test")

t.describe("llm", function()
  local exec = { type = "function", ["function"] = { name = "exec", description = "Run a command.", parameters = { type = "object" } } }
  local function view()
    return { system = "You act.", messages = { { role = "user", content = "List the files." } }, tools = { exec } }
  end
  local function step(chat, config) return t.call("next", view(), t.with({ chat = chat, config = config })) end

  t.it("sends the dialogue and the tools, and says what the model says", function()
    local chat = { "There is one file." }
    t.equal(step(chat, { temperature = 0.2, max_tokens = 100 }).say, "There is one file.")
    local request = chat.asked[1]
    t.same(request.messages, { { role = "system", content = "You act." }, { role = "user", content = "List the files." } })
    t.same(request.tools, { exec })
    t.equal(request.temperature, 0.2)
    t.equal(request.max_tokens, 100)
  end)

  t.it("passes calls on as they are, broken arguments too", function()
    local chat = { { tool_calls = { { id = "c1", name = "exec", arguments = '{"command": "ls' } } } }
    local call = step(chat).calls[1]
    t.equal(call.name, "exec")
    t.equal(call.arguments, '{"command": "ls')
  end)

  t.it("takes a call that stands in the text", function()
    local answer = step({ 'I look. <tool_call>{"name": "exec", "arguments": {"command": "ls"}}</tool_call>' })
    t.same(answer.calls[1].arguments, { command = "ls" })
    t.equal(answer.text, "I look.")
  end)

  t.it("leaves such text alone when it is told to", function()
    local text = '<tool_call>{"name": "exec", "arguments": {"command": "ls"}}</tool_call>'
    t.equal(step({ text }, { calls_in_text = false }).say, text)
  end)

  t.it("does not take JSON that names no tool for a call", function()
    local text = 'The file holds {"name": "Ada", "arguments": {}}.'
    t.equal(step({ text }).say, text)
  end)

  t.it("keeps thinking apart", function()
    local answer = step({ "<think>Two files.</think>There are two." })
    t.equal(answer.say, "There are two.")
    t.equal(answer.reasoning, "Two files.")
  end)

  t.it("asks once more after an empty answer, then stops", function()
    local chat = { "", "Here it is." }
    t.equal(step(chat).say, "Here it is.")
    t.contains(chat.asked[2].messages[3].content, "Your last answer was empty")
    t.contains(step({ "", { content = "", finish_reason = "length" } }).stop, "finish reason: length")
  end)

  t.it("does not hide that the model is gone", function()
    t.fails_with("E_MODEL", function() step({ { error = "E_MODEL", message = "no answer" } }) end)
    t.fails_with("E_UNAVAILABLE", function() t.call("next", view(), t.with({ faults = { { call = "chat", code = "E_UNAVAILABLE" } }, chat = {} })) end)
  end)
end)
