local kit = require("@tool_kit")

local function shown(message)
  local parts = {}
  if type(message.content) == "string" and message.content ~= "" then parts[1] = kit.shorten(message.content, 4000) end
  for _, call in ipairs(message.tool_calls or {}) do
    local fn = call["function"] or {}
    parts[#parts + 1] = ("-> %s %s"):format(tostring(fn.name), kit.head(tostring(fn.arguments), 400))
  end
  return ("[%s] %s"):format(message.role == "tool" and "result of " .. tostring(message.name) or message.role, table.concat(parts, "\n"))
end

local function run(args)
  local found, refusal = kit.ask({ E_NOSESSION = "not_found" }, "sessions_history", sessions.history,
    { session = args.sessionKey, limit = args.limit, tools = args.includeTools })
  if not found then return refusal end
  local lines = {}
  for i, message in ipairs(found.messages) do lines[i] = shown(message) end
  if found.left_out > 0 then table.insert(lines, 1, ("[%s before these]"):format(kit.plural(found.left_out, "message"))) end
  return { text = #lines > 0 and table.concat(lines, "\n") or "(no messages yet)", details = { session = found.session, messages = #found.messages } }
end

return { run = run }
