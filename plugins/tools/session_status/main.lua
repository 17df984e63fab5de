local kit = require("@tool_kit")

local function run(args)
  if args.model and args.model ~= "" and args.model ~= "default" then
    return kit.refuse("unsupported", "session_status: the model cannot be changed; the run decides which one answers")
  end
  local s, refusal = kit.ask({ E_NOSESSION = "not_found" }, "session_status", sessions.status, { session = args.sessionKey })
  if not s then return refusal end
  local seconds = math.floor(clock.now() - s.started)
  local text = ("Session %s%s: %s for %d s; %s, %s (%d failed), %d tokens. Time: %s"):format(s.session, s.label and (" (%s)"):format(s.label) or "",
    s.status, seconds, kit.plural(s.turns, "turn"), kit.plural(s.tool_calls, "tool call"), s.failures, s.tokens, kit.timestamp(clock.now()))
  return { text = text, details = s }
end

return { run = run }
