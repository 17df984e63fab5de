local kit = require("@tool_kit")

local codes = { E_NOSESSION = "not_found", E_ARGUMENT = "invalid_args" }

local function below()
  local found, list = sessions.list(), {}
  for _, s in ipairs(found.sessions) do
    if s.parent == found.own then list[#list + 1] = s end
  end
  return list
end

local actions = {}

function actions.list(args)
  local lines, shown = {}, json.array({})
  for _, s in ipairs(below()) do
    if not args.recentMinutes or clock.now() - s.updated <= args.recentMinutes * 60 then
      shown[#shown + 1] = s
      lines[#lines + 1] = ("%s%s: %s, %s: %s"):format(s.session, s.label and (" %q"):format(s.label) or "", s.outcome or s.status,
        kit.plural(s.tool_calls, "tool call"), kit.head(kit.squeeze(s.task), 160))
    end
  end
  return { text = #lines > 0 and table.concat(lines, "\n") or "You have started no sessions.", details = { sessions = shown } }
end

function actions.kill(args)
  local targets = { args.target }
  if args.target == "all" then
    targets = {}
    for _, s in ipairs(below()) do
      if s.status ~= "ended" then targets[#targets + 1] = s.session end
    end
  end
  local ended = json.array({})
  for _, target in ipairs(targets) do
    local answer = sessions.kill({ session = target })
    if answer.killed then ended[#ended + 1] = answer.session end
  end
  return { text = #ended > 0 and "Ended " .. table.concat(ended, ", ") .. "." or "There was nothing to end.", details = { killed = ended } }
end

function actions.steer(args)
  if not args.message or not args.message:find("%S") then return kit.refuse("invalid_args", "subagents: steer needs a message") end
  local answer = sessions.send({ session = args.target, message = args.message })
  return { text = ("%s reads that before its next step."):format(answer.session), details = answer }
end

local function run(args)
  if args.action ~= "list" and (not args.target or args.target == "") then
    return kit.refuse("invalid_args", ("subagents: %s needs a target"):format(args.action))
  end
  local answer, refusal = kit.ask(codes, "subagents", actions[args.action], args)
  return answer or refusal
end

return { run = run }
