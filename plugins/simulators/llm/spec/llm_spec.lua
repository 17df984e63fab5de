local t = require("@test")

t.describe("llm", function()
  local function view(history)
    return { intent = { natural_language_intent = "Please sort the folder inbox." }, persona = { name = "Ada", role = "Engineer" },
      history = json.array(history or {}) }
  end
  local function decide(chat, config) return t.call("next", view(), t.with({ chat = chat, config = config })) end

  t.it("gives the model's decision", function()
    local chat = { '{"completed": false, "query": " Sort the folder, please. ", "reason": "opening", "is_success": false}' }
    t.same(decide(chat), { completed = false, query = "Sort the folder, please.", reason = "opening", is_success = false })
    t.same(chat.asked[1].response_format, { type = "json_object" })
    t.equal(chat.asked[1].temperature, 0.7)
  end)

  t.it("reads it out of chatter and a fence", function()
    t.is_true(decide({ '<think>done?</think>```json\n{"completed": "yes", "query": null, "reason": "all done", "is_success": true}\n```' }).completed)
  end)

  t.it("sends an answer that cannot be used back, with the reason", function()
    local chat = { "Sure, let me do that.", '{"completed": false, "query": ""}', '{"completed": false, "query": "Sort it by date."}' }
    t.equal(decide(chat).query, "Sort it by date.")
    local asked = chat.asked[3].messages
    t.contains(asked[#asked].content, "`query` is empty although you are not finished")
  end)

  t.it("does not let the model speak as the agent", function()
    local chat = { '{"completed": false, "query": "Certainly! I can help you with that."}', '{"completed": false, "query": "Go on."}' }
    t.equal(decide(chat).query, "Go on.")
    t.contains(chat.asked[2].messages[#chat.asked[2].messages].content, "sounds like the agent")
  end)

  t.it("gives up after three answers", function()
    local problem = t.fails_with("simulator_malformed", function() decide({ "a", "b", "c" }) end)
    t.contains(problem.message, "no usable decision in 3 answers")
  end)

  t.it("asks for the format that the server knows", function()
    local chat = { '{"completed": false, "query": "x"}' }
    decide(chat, { response_format = "none" })
    t.is_nil(chat.asked[1].response_format)
    chat = { '{"completed": false, "query": "x"}' }
    decide(chat, { response_format = "json_schema" })
    t.equal(chat.asked[1].response_format.json_schema.strict, true)
  end)

  t.it("shows the model what really happened", function()
    local history = { { user = "Sort it.", assistant = "All sorted.", digest = { calls = { { tool = "exec", ok = false, exit_code = 2 } } } } }
    local chat = { '{"completed": false, "query": "It failed."}' }
    t.call("next", view(history), t.with({ chat = chat }))
    t.contains(json.encode(chat.asked[1].messages), "exec")
  end)
end)
