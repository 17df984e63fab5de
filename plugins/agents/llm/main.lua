-- One request to the model for each step. What the model wrote is passed on as it is: arguments stay the raw string, so that
-- the host can check them and tell the model what is wrong.

local textcalls = require("textcalls")

local function message_of(response)
  local message = response.message
  if type(message) ~= "table" and type(response.choices) == "table" and response.choices[1] then message = response.choices[1].message end
  return type(message) == "table" and message or {}
end

local function text_of(value)
  if type(value) == "string" then return value end
  -- Some servers give a list of parts.
  if type(value) == "table" then
    local parts = {}
    for _, part in ipairs(value) do
      if type(part) == "table" and type(part.text) == "string" then parts[#parts + 1] = part.text end
    end
    return table.concat(parts)
  end
  return ""
end

local function conversation(view)
  local messages = {}
  local given = type(view.messages) == "table" and view.messages or {}
  local first = given[1]
  if type(view.system) == "string" and view.system ~= "" and not (first and first.role == "system") then
    messages[1] = { role = "system", content = view.system }
  end
  for _, message in ipairs(given) do messages[#messages + 1] = message end
  return messages
end

local function native_calls(message)
  local calls = {}
  for _, call in ipairs(type(message.tool_calls) == "table" and message.tool_calls or {}) do
    local fn = type(call["function"]) == "table" and call["function"] or call
    local arguments = fn.arguments
    if arguments == nil or arguments == json.null then arguments = "{}" end
    calls[#calls + 1] = { id = type(call.id) == "string" and call.id or nil, name = type(fn.name) == "string" and fn.name or "", arguments = arguments,
      raw = type(arguments) == "string" and arguments or nil }
  end
  return calls
end

-- Thinking comes as a field of its own or in tags in front of the answer.
local function split_thinking(message)
  local content = text_of(message.content)
  local reasoning = text_of(message.reasoning_content)
  if reasoning == "" then reasoning = text_of(message.reasoning) end
  local inside, rest = content:match("^%s*<think>(.-)</think>%s*(.*)$")
  if inside then
    content = rest
    if reasoning == "" then reasoning = inside:gsub("^%s+", ""):gsub("%s+$", "") end
  end
  return content, reasoning ~= "" and reasoning or nil
end

local function read(response, view, config)
  local message = message_of(response)
  local content, reasoning = split_thinking(message)
  local calls = native_calls(message)
  if #calls > 0 then
    return { calls = calls, text = content:find("%S") and content or nil, reasoning = reasoning }
  end
  if config.calls_in_text ~= false then
    local found, rest = textcalls.find(content, view.tools)
    if found then
      log.info("tool calls written as text were taken as calls", { count = #found })
      for _, call in ipairs(found) do call.raw = type(call.arguments) == "string" and call.arguments or nil end
      return { calls = found, text = rest ~= "" and rest or nil, reasoning = reasoning }
    end
  end
  if content:find("%S") then return { say = content, reasoning = reasoning } end
  return nil
end

local function next_step(view, ctx)
  local config = type(ctx) == "table" and type(ctx.config) == "table" and ctx.config or {}
  local tools = type(view.tools) == "table" and #view.tools > 0 and view.tools or nil
  local messages = conversation(view)
  local function request()
    return chat({ messages = messages, tools = tools, temperature = config.temperature, max_tokens = config.max_tokens or 4096 })
  end

  local response = request()
  local answer = read(response, view, config)
  if answer then return answer end

  log.warn("the model's answer was empty, asking once more", { finish_reason = response.finish_reason })
  messages[#messages + 1] = { role = "user", content = "Your last answer was empty. Call a tool, or answer in a few sentences." }
  response = request()
  answer = read(response, view, config)
  if answer then return answer end
  return { stop = ("the model gave two empty answers in a row (finish reason: %s)"):format(tostring(response.finish_reason or "unknown")) }
end

return { next = next_step }
