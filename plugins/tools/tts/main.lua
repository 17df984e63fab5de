-- Real audio by espeak-ng in the workspace.

local kit = require("@tool_kit")

local function free_path()
  local number = 1
  while ws.stat(("audio/speech-%d.wav"):format(number)) do number = number + 1 end
  return ("audio/speech-%d.wav"):format(number)
end

local MOST = 8 << 20 -- bytes that are read for their length

-- Of a WAV file with a plain header; nil of another, and of a very long one.
local function seconds_of(path, size)
  if size > MOST then return nil end
  local head = ws.read(path, { max_bytes = MOST }):sub(1, 44)
  if head:sub(1, 4) ~= "RIFF" or #head < 44 then return nil end
  local rate = string.unpack("<I4", head, 29)
  return rate > 0 and (size - 44) / rate or nil
end

local function run(args)
  local path = free_path()
  ws.mkdir("audio")
  local ok, result = pcall(ws.exec, { "espeak-ng", "-w", path, "--stdin" }, { stdin = args.text, timeout_ms = 60000 })
  if not ok then
    local code = kit.host_error(result)
    if code ~= "E_COMMAND_NOT_FOUND" then error(result, 0) end
    return kit.refuse("missing_program", "tts: the workspace has no espeak-ng, so there is no audio (Debian: espeak-ng)")
  end
  local status = result.code == 0 and ws.stat(path)
  if not status or status.size <= 44 then
    return kit.refuse("failed", "tts: espeak-ng wrote no audio: " .. kit.tail(result.stderr, 300), { exit_code = result.code })
  end
  local seconds = seconds_of(path, status.size)
  return {
    text = ("Audio in %s (%d bytes%s)."):format(path, status.size, seconds and (", %.1f s"):format(seconds) or ""),
    details = { path = path, bytes = status.size, seconds = seconds },
  }
end

return { run = run }
