local kit = require("@tool_kit")

local codes = { E_NOSESSION = "not_found", E_ARGUMENT = "invalid_args" }

local function run(args)
  local target = args.sessionKey or args.label
  if not target or target == "" then return kit.refuse("invalid_args", "sessions_send: say to which session, with sessionKey or label") end
  local answer, refusal = kit.ask(codes, "sessions_send", sessions.send,
    { session = target, message = args.message, timeout_ms = math.floor(args.timeoutSeconds * 1000) })
  if not answer then return refusal end
  local texts = {
    ok = answer.reply,
    accepted = ("Sent to %s."):format(answer.session),
    timeout = ("Sent to %s; it has not answered within %g s. Its answer will come to you as a message."):format(answer.session, args.timeoutSeconds),
    ended = ("%s ended without an answer."):format(answer.session),
  }
  return { text = texts[answer.status] or answer.status, failed = answer.status == "ended", details = answer }
end

return { run = run }
