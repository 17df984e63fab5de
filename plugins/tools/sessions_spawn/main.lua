-- Starts a session below this one. What other runtimes offer and this one has not is an error before anything is started.

local kit = require("@tool_kit")

local codes = { E_LIMIT = "limit", E_NOAGENT = "not_found", E_BUSY = "busy", E_IO = "failed" }

local function unsupported(args)
  if args.runtime ~= "subagent" then return "runtime acp is not there, only subagent" end
  if args.thread then return "thread is not there" end
  if args.resumeSessionId and args.resumeSessionId ~= "" then return "a session cannot be resumed; send to it with sessions_send" end
  if args.model and args.model ~= "" then return "the model cannot be changed; the run decides which one answers" end
  return nil
end

-- Writes the attachments and says where they are.
local function attach(args)
  local list = args.attachments
  if not list or #list == 0 then return "" end
  local folder = kit.path((args.attachAs or {}).mountPath or "attachments")
  local names = {}
  for i, file in ipairs(list) do
    if file.name:find("/", 1, true) or file.name == ".." then return nil, ("the attachment's name %q must not hold a path"):format(file.name) end
    ws.write(folder .. "/" .. file.name, file.content)
    names[i] = folder .. "/" .. file.name
  end
  return "\n\nFiles for this task: " .. table.concat(names, ", ")
end

local function run(args)
  local refused = unsupported(args)
  if refused then return kit.refuse("unsupported", "sessions_spawn: " .. refused) end
  local note, wrong = attach(args)
  if wrong then return kit.refuse("invalid_args", "sessions_spawn: " .. wrong) end
  local place = args.cwd and args.cwd ~= "" and ("\n\nWork in the directory %s."):format(args.cwd) or ""
  local seconds = args.runTimeoutSeconds or args.timeoutSeconds or 0
  local started, refusal = kit.ask(codes, "sessions_spawn", sessions.spawn, {
    task = args.task .. place .. note, label = args.label, agent = args.agentId, isolated = args.sandbox == "require",
    keep = args.mode == "session", timeout_ms = seconds > 0 and math.floor(seconds * 1000) or nil,
  })
  if not started then return refusal end
  return {
    text = ("Started the session %s%s. It works while you go on; its answer comes to you as a message."):format(started.session,
      args.label and (" (%s)"):format(args.label) or ""),
    details = { status = "accepted", childSessionKey = started.session, isolated = started.isolated, mode = args.mode },
  }
end

return { run = run }
