-- Runs one bash command. Everything the command did is a fact of the result; nothing is rewritten or retried. One that takes
-- long goes on as a job, which the process tool looks after.

local kit = require("@tool_kit")

local HEAD, TAIL = 14000, 6000 -- bytes of one stream that the model is shown when the stream is longer than both
local KEEP = 256 * 1024 -- bytes of one stream in the result's details; the record of the run has all of it

-- Cuts at a line break near `at` when there is one, so that the model does not see half a line.
local function head(text)
  local cut = text:sub(1, HEAD)
  local last = cut:match("^.*()\n")
  return (last and last > HEAD // 2) and cut:sub(1, last) or cut
end

local function tail(text)
  local cut = text:sub(-TAIL)
  local first = cut:find("\n", 1, true)
  return (first and first < TAIL // 2) and cut:sub(first + 1) or cut
end

-- `total` is what the command really wrote; `text` may already be shorter because the host stopped keeping it.
local function shorten(text, total)
  if #text <= HEAD + TAIL and total <= #text then return text end
  if #text <= HEAD + TAIL then
    return text .. ("\n[... %d more bytes were not kept]\n"):format(total - #text)
  end
  local first, last = head(text), tail(text)
  return ("%s\n[... %d bytes left out here ...]\n%s"):format(first, math.max(total, #text) - #first - #last, last)
end

local function append(parts, text)
  if text == "" then return end
  local before = parts[#parts]
  if before and before:sub(-1) ~= "\n" then parts[#parts] = before .. "\n" end
  parts[#parts + 1] = text
end

local function seconds(value)
  return (value == math.floor(value)) and ("%d"):format(value) or ("%.1f"):format(value)
end

local function ending(result, timeout)
  if result.timed_out then return "[timed out after " .. seconds(timeout) .. " s]" end
  if result.signal then return "[killed by signal " .. result.signal .. "]" end
  if result.ended_by and result.ended_by ~= "exit" and result.code == nil then return "[ended: " .. result.ended_by .. "]" end
  if result.code ~= 0 then return "[exit code " .. tostring(result.code) .. "]" end
  return nil
end

local function leftovers(list)
  if type(list) ~= "table" or #list == 0 then return nil end
  local names = {}
  for i = 1, math.min(#list, 5) do
    local entry = list[i]
    names[i] = type(entry) == "table" and tostring(entry.command) or tostring(entry)
  end
  return ("[still running in the background: %s]"):format(table.concat(names, "; "))
end

-- What other runtimes offer and this one has not: an error, before anything has run.
local function refusal(args)
  if args.elevated then return "elevated: commands run with the rights of the workspace's user, there are no others" end
  if args.host and args.host ~= "sandbox" then return ("host %s: commands run in the workspace and nowhere else"):format(args.host) end
  if args.node and args.node ~= "" then return ("node %s: there are no other machines"):format(args.node) end
  if args.security == "deny" then return "security deny: so nothing was run" end
  if args.ask == "always" then return "ask always: there is nobody who could approve a command" end
  return nil
end

local function directory_of(args)
  if not args.workdir or args.workdir == "" then return nil end
  local directory = kit.path(args.workdir)
  local there = ws.stat(directory)
  if there and there.kind ~= "file" then return directory end
  return nil, ("exec: workdir %s %s; nothing was run"):format(args.workdir, there and "is a file, not a directory" or "does not exist")
end

local function still_running(state, args)
  local parts = {}
  append(parts, shorten(state.stdout, #state.stdout))
  append(parts, shorten(state.stderr, #state.stderr))
  append(parts, ("Command still running (session %s, pid %d). Use process (list, poll, log, write, kill) for follow-up."):format(state.job, state.pid))
  return { text = table.concat(parts), details = { status = "running", session = state.job, pid = state.pid, command = args.command } }
end

local function finished(result, timeout)
  local parts = {}
  append(parts, shorten(result.stdout, result.stdout_bytes or #result.stdout))
  append(parts, shorten(result.stderr, result.stderr_bytes or #result.stderr))
  local note = ending(result, timeout)
  if note then append(parts, note) end
  local left = leftovers(result.left_running)
  if left then append(parts, left) end
  local text = table.concat(parts)
  if text == "" then text = "(no output)" end

  return {
    text = text,
    failed = note ~= nil,
    details = {
      exit_code = result.code, signal = result.signal, timed_out = result.timed_out or false,
      stdout = result.stdout:sub(1, KEEP), stderr = result.stderr:sub(1, KEEP),
      stdout_bytes = result.stdout_bytes, stderr_bytes = result.stderr_bytes, truncated = result.truncated or false,
    },
  }
end

local function run(args, ctx)
  if not args.command:find("%S") then return ctx.fail("invalid_args", "command is empty: say what bash should run") end
  local refused = refusal(args)
  if refused then return kit.refuse("unsupported", "exec: " .. refused .. "; nothing was run") end
  local directory, wrong = directory_of(args)
  if wrong then return kit.refuse("bad_workdir", wrong) end

  local argv = { "bash", "-c", args.command }
  local options = { cwd = directory, env = args.env, timeout_ms = math.floor(args.timeout * 1000), pty = args.pty }
  if args.background then
    options.keep_input = not args.pty
    local started = ws.start(argv, options)
    return still_running({ job = started.job, pid = started.pid, stdout = "", stderr = "" }, args)
  end
  options.patience_ms = math.floor(args.yieldMs)
  local result = ws.exec(argv, options)
  return result.running and still_running(result, args) or finished(result, args.timeout)
end

return { run = run }
