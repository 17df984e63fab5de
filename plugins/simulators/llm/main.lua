-- Asks a chat model for the user's next message. An answer that cannot be used is sent back with the reason, twice at most.

local prompt = require("prompt")
local decision = require("decision")

local RETRIES = 2

local schema = {
  type = "object",
  properties = { completed = { type = "boolean" }, query = { type = "string" }, reason = { type = "string" }, is_success = { type = "boolean" } },
  required = { "completed", "query", "reason", "is_success" },
  additionalProperties = false,
}

local function response_format(kind)
  if kind == "none" then return nil end
  if kind == "json_schema" then
    return { type = "json_schema", json_schema = { name = "decision", strict = true, schema = schema } }
  end
  return { type = "json_object" }
end

local function content_of(response)
  local message = response.message or (type(response.choices) == "table" and response.choices[1] and response.choices[1].message) or {}
  return type(message.content) == "string" and message.content or ""
end

local function ask(view, ctx)
  local config = type(ctx) == "table" and type(ctx.config) == "table" and ctx.config or {}
  local messages = prompt.messages(view)
  local reason, content
  for attempt = 0, RETRIES do
    if attempt > 0 then
      log.warn("the simulator's answer could not be used", { reason = reason, attempt = attempt })
      messages[#messages + 1] = { role = "assistant", content = content ~= "" and content or "(empty)" }
      messages[#messages + 1] = { role = "user", content = ("That cannot be used: %s. Answer again with only the JSON object."):format(reason) }
    end
    local response = chat({
      messages = messages, temperature = config.temperature or 0.7, max_tokens = config.max_tokens or 600,
      response_format = response_format(config.response_format),
    })
    content = content_of(response)
    local result
    result, reason = decision.read(content)
    if result then return result end
  end
  return ctx.fail("simulator_malformed", ("the simulator's model gave no usable decision in %d answers; the last: %s"):format(RETRIES + 1, reason),
    { content = content:sub(1, 2000) })
end

return { next = ask }
