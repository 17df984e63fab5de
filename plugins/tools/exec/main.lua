-- Runs one bash command. Everything the command did is a fact of the result; nothing is rewritten or retried.

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

local function run(args, ctx)
  if not args.command:find("%S") then return ctx.fail("invalid_args", "command is empty: say what bash should run") end
  local directory = args.workdir
  if directory == "" then directory = nil end
  if directory then
    directory = directory:gsub("^~/", ""):gsub("^~$", ".")
    local there = ws.stat(directory)
    if not there or there.kind == "file" then
      local why = there and "is a file, not a directory" or "does not exist"
      return { text = ("exec: workdir %s %s; nothing was run"):format(args.workdir, why), failed = true,
        details = { code = "bad_workdir" } }
    end
  end

  local timeout = args.timeout or 120
  local result = ws.exec({ "bash", "-c", args.command },
    { cwd = directory, env = args.env, timeout_ms = math.floor(timeout * 1000) })

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

return { run = run }
