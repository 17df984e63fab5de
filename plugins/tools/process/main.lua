-- Commands that run on. Where poll has read up to is kept between calls, so each poll tells only what is new.

local kit = require("@tool_kit")

local MOST = 20000 -- bytes of output that one answer shows

local function command_of(entry)
  local argv = entry.argv
  return argv[1] == "bash" and argv[2] == "-c" and argv[3] or table.concat(argv, " ")
end

local function status_of(state)
  if state.running then return "running" end
  if state.signal then return "killed by signal " .. state.signal end
  if state.code == nil then return "ended: " .. tostring(state.ended_by) end
  return "exit code " .. state.code
end

local function details_of(state, extra)
  local details = extra or {}
  details.session, details.pid, details.running = state.job, state.pid, state.running
  details.exit_code, details.signal, details.ended_by = state.code, state.signal, state.ended_by
  return details
end

local function join(...)
  local parts = {}
  for _, text in ipairs({ ... }) do
    if text ~= "" then parts[#parts + 1] = text:sub(-1) == "\n" and text or text .. "\n" end
  end
  return table.concat(parts)
end

local actions = {}

function actions.list()
  local lines, sessions = {}, json.array({})
  for _, entry in ipairs(job.list()) do
    lines[#lines + 1] = ("%s  %s  pid %d  %s"):format(entry.job, status_of(entry), entry.pid, kit.squeeze(command_of(entry)):sub(1, 120))
    sessions[#sessions + 1] = details_of(entry, { command = command_of(entry), bytes = entry.stdout_bytes + entry.stderr_bytes })
  end
  local text = #lines > 0 and table.concat(lines, "\n") or "No background sessions."
  return { text = text, details = { sessions = sessions } }
end

function actions.poll(args, id)
  local seen = state.get(id) or { out = 0, err = 0 }
  local now = job.poll(id, { offset = seen.out, error_offset = seen.err, wait_ms = args.timeout and math.floor(args.timeout) or nil })
  state.set(id, { out = now.offset, err = now.error_offset })
  local new = kit.shorten(join(now.stdout, now.stderr), MOST)
  if new == "" then new = "(no new output)\n" end
  local gap = now.missed > 0 and ("[%d bytes before this were not kept]\n"):format(now.missed) or ""
  local note = now.running and "Process still running." or ("Process ended: %s."):format(status_of(now))
  return { text = gap .. join(new) .. note, failed = not now.running and now.code ~= 0, details = details_of(now, { stdout = now.stdout, stderr = now.stderr, missed = now.missed }) }
end

function actions.log(args, id)
  local now = job.poll(id)
  local lines = kit.lines(join(now.stdout, now.stderr))
  local limit = args.limit or 200
  local first = args.offset or math.max(0, #lines - limit)
  local shown = {}
  for i = first + 1, math.min(#lines, first + limit) do shown[#shown + 1] = lines[i] end
  local text = #shown > 0 and table.concat(shown, "\n") or "(no output there)"
  local note = ("\n[lines %d-%d of %d; %s]"):format(math.min(first + 1, #lines), first + #shown, #lines, status_of(now))
  return { text = kit.shorten(text, MOST) .. note, details = details_of(now, { lines = #lines, from = first, shown = #shown }) }
end

local function sent(id, taken, what)
  if not taken then return kit.refuse("closed", ("process: %s no longer reads its input"):format(id), { session = id }) end
  return { text = ("Sent %s to %s. Poll to see what it makes of it."):format(what, id), details = { session = id } }
end

function actions.write(args, id)
  local taken = args.data == nil or args.data == "" or job.write(id, args.data)
  if args.eof then job.finish_input(id) end
  return sent(id, taken, kit.plural(#(args.data or ""), "byte") .. (args.eof and " and the end of input" or ""))
end

actions["send-keys"] = function(args, id)
  local taken = true
  if args.literal then taken = job.write(id, args.literal) end
  if args.hex then
    taken = job.write(id, (table.concat(args.hex):gsub("..", function(hex) return string.char(tonumber(hex, 16)) end)))
  end
  if args.keys and #args.keys > 0 then taken = job.keys(id, args.keys) end
  if not args.literal and not args.hex and not (args.keys and #args.keys > 0) then
    return kit.refuse("invalid_args", "process: send-keys needs keys, hex or literal")
  end
  return sent(id, taken, "the keys")
end

function actions.submit(_, id)
  return sent(id, job.keys(id, { "Enter" }), "Enter")
end

function actions.paste(args, id)
  if not args.text or args.text == "" then return kit.refuse("invalid_args", "process: paste needs text") end
  local text = args.text
  if args.bracketed then text = "\27[200~" .. text .. "\27[201~" end
  return sent(id, job.write(id, text), "the text")
end

function actions.kill(_, id)
  local before = job.poll(id, { max_bytes = 0 })
  if not before.running then return { text = ("%s had ended already: %s."):format(id, status_of(before)), details = details_of(before) } end
  job.kill(id)
  local after = job.poll(id, { max_bytes = 0 })
  return { text = ("Killed %s (%s)."):format(id, status_of(after)), details = details_of(after) }
end

function actions.clear(_, id)
  if job.poll(id, { max_bytes = 0 }).running then
    return kit.refuse("busy", ("process: %s is still running; kill it first, or use remove"):format(id))
  end
  job.remove(id)
  state.delete(id)
  return { text = ("Forgot %s."):format(id), details = { session = id } }
end

function actions.remove(_, id)
  if job.poll(id, { max_bytes = 0 }).running then job.kill(id) end
  job.remove(id)
  state.delete(id)
  return { text = ("Ended and forgot %s."):format(id), details = { session = id } }
end

local function run(args)
  local action = actions[args.action]
  if args.action == "list" then return action() end
  local id = args.sessionId
  if not id or id == "" then return kit.refuse("invalid_args", ("process: %s needs sessionId"):format(args.action)) end
  local known = {}
  for _, entry in ipairs(job.list()) do
    if entry.job == id then return action(args, id) end
    known[#known + 1] = entry.job
  end
  local list = #known > 0 and "there are " .. table.concat(known, ", ") or "there are none"
  return kit.refuse("not_found", ("process: no session %s; %s"):format(id, list))
end

return { run = run }
