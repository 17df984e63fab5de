-- The simulator's prompt. The system message and all finished turns stay the same from call to call, so that a server can
-- reuse what it has already read; only the last message differs.

local prompt = {}

local registers = {
  Junior = "You are new to this. Give the background of what you ask for, say what you want it for, and describe it in full sentences rather than in jargon.",
  ["Mid-level"] = "You know your field and some of the tools. Give the context that a colleague from another team would need, and not more.",
  Senior = "You are experienced and short of time. One or two direct sentences, in the terms of your trade; you take it for granted that the other side knows the field.",
  Expert = "You know more about this than most. Terse and exact: names, numbers, expected behaviour. No explanations of basics.",
  Executive = "You decide, others do the work. Short, composed messages about outcomes; you care for the result and its reliability, not for the way to it.",
}

local function join(list, fallback)
  if type(list) == "table" and #list > 0 then return table.concat(list, ", ") end
  return fallback
end

local function value(text, fallback)
  return (type(text) == "string" and text ~= "") and text or fallback
end

function prompt.system(intent, persona, level)
  persona = type(persona) == "table" and persona or {}
  level = value(level, value(persona.experience_level, "Mid-level"))
  local goal = value(intent.natural_language_intent, value(intent.query, value(intent.question, "")))
  return table.concat({
    ("You are %s, %s (%s level) in %s. You know about %s. Your way of talking: %s. Where you work: %s"):format(
      value(persona.name, "a computer user"), value(persona.role, "office worker"), level, value(persona.industry, "an ordinary company"),
      join(persona.expertise, "your own job"), value(persona.communication_style, "plain"), value(persona.work_context, "an ordinary office"):gsub("[%s%.]+$", "") .. "."),
    "",
    "You are sitting in front of a chat window. On the other side is a software agent that can run commands and edit files on your computer. This is what you want to have done today, in your own words:",
    "<<<",
    goal,
    ">>>",
    "",
    "Write what you, the human, type into the chat. Rules that always hold:",
    "1. Whose side you are on. You have the task and the knowledge about it; the agent has the hands. You never offer help, never announce work, never claim to have run or written anything yourself. You do not ask the agent what your own task is: when it needs something that you have not decided yet, decide it and say so.",
    "2. How you sound. " .. (registers[level] or registers["Mid-level"]) .. " Stay in the language of your request above. No headings, no bullet lists, no bold type.",
    "3. One step at a time. Ask for one next thing per message, not for everything at once, and don't repeat the whole request. Begin with a first small step; after each answer react briefly to it and go on to whatever helps most now.",
    "4. React to what is real. Below each answer of the agent you find a log of what its tools did. Trust the log more than the agent's words. When a step worked, move on. When it failed or the log does not bear out what the agent says, point at exactly that and ask for it to be put right. Mention only files, numbers and errors that occur in your request, in an answer or in a log.",
    "5. The agent cannot see your request, only your messages. Pass on the figures, texts and names that a step needs, exactly as they stand there. Files that your request does not mention don't exist yet; let the agent create what is needed.",
    "",
    "When every part of your request is done according to the logs, ask once for a final check of the results. After that check you are finished. If it has become clear that your request can't be met, you are finished too, without success.",
    "",
    "Each time you are asked, answer with one JSON object and nothing else, with these keys:",
    '{"completed": false, "query": "your next message to the agent", "reason": "one short sentence on why this is the next step", "is_success": false}',
    'When you are finished: {"completed": true, "query": "", "reason": "why you are finished", "is_success": true or false}',
  }, "\n")
end

local function log_of(digest)
  if type(digest) ~= "table" then return "no log" end
  local text = value(digest.text, "")
  if text == "" then
    local lines = {}
    for _, call in ipairs(type(digest.calls) == "table" and digest.calls or {}) do
      local how = call.ok and "ok" or ("failed" .. (call.exit_code and (", exit " .. tostring(call.exit_code)) or ""))
      lines[#lines + 1] = value(call.summary, value(call.tool, "call")) .. ": " .. how
    end
    text = #lines > 0 and table.concat(lines, "\n") or "no tool was called"
  end
  if #text > 3000 then text = text:sub(1, 2000) .. "\n[...]\n" .. text:sub(-900) end
  return text
end

local function answer_of(exchange)
  local said = value(exchange.assistant, "(the agent wrote nothing)")
  return ("%s\n\n[log of what the agent's tools did in this turn]\n%s"):format(said, log_of(exchange.digest))
end

local opening = "The chat window is open and empty. The agent is waiting."

local function request(view)
  local turns = #(view.history or {})
  local parts = {}
  if turns == 0 then
    parts[1] = "Write your first message: at most a sentence of background, and the first small step."
  else
    parts[1] = "Are all parts of your request done, the final check included? If so, finish. If not, write your next message: one step, in reaction to the answer above."
    local left = (tonumber(view.max_turns) or 0) - turns
    if left > 0 and left <= 2 then parts[#parts + 1] = ("You have time for %d more message%s."):format(left, left == 1 and "" or "s") end
  end
  local refused = view.refused
  if type(refused) == "table" and value(refused.reason, "") ~= "" then
    parts[#parts + 1] = ("Your draft \"%s\" was not sent: %s. Write another one."):format(value(refused.query, ""):sub(1, 400), refused.reason)
  elseif view.verify_first then
    parts[#parts + 1] = "You have not asked for a final check yet: ask for it now."
  end
  parts[#parts + 1] = "Answer with the JSON object only."
  return table.concat(parts, " ")
end

-- The user's own words are the assistant's part here, and the agent's words come from the other side.
function prompt.messages(view)
  local list = { { role = "system", content = prompt.system(view.intent or {}, view.persona, view.level) } }
  list[2] = { role = "user", content = opening }
  for _, exchange in ipairs(view.history or {}) do
    list[#list + 1] = { role = "assistant", content = value(exchange.user, "(nothing)") }
    list[#list + 1] = { role = "user", content = answer_of(exchange) }
  end
  -- Two messages of one role in a row are refused by many chat templates, so the request joins the last one.
  list[#list].content = list[#list].content .. "\n\n---\n" .. request(view)
  return list
end

return prompt
