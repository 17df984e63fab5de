-- What tools share. Each part is small enough to be read where it is used.

local kit = {}

-- The result of a call that the world refuses: the model reads `text`, programs read `details.code`.
function kit.refuse(code, text, details)
  details = details or {}
  details.code = code
  return { text = text, failed = true, details = details }
end

-- "~/x" and "@x" are spellings that models use for files.
function kit.path(text)
  local path = text:gsub("^@", ""):gsub("^~/", ""):gsub("^~$", ".")
  return path ~= "" and path or "."
end

function kit.lines(text)
  local list = {}
  for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch("(.-)\n") do list[#list + 1] = line end
  if text == "" then return {} end
  return list
end

function kit.squeeze(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

-- Share of two-letter pairs that two lines have in common (Dice), 0 to 1.
function kit.likeness(a, b)
  local seen, total = {}, math.max(#a - 1, 0) + math.max(#b - 1, 0)
  if total == 0 then return a == b and 1 or 0 end
  for i = 1, #a - 1 do
    local pair = a:sub(i, i + 1)
    seen[pair] = (seen[pair] or 0) + 1
  end
  local common = 0
  for i = 1, #b - 1 do
    local pair = b:sub(i, i + 1)
    if (seen[pair] or 0) > 0 then
      common, seen[pair] = common + 1, seen[pair] - 1
    end
  end
  return 2 * common / total
end

-- The line most like `wanted`, its number and its likeness; nil when none is much like it.
function kit.nearest(lines, wanted)
  wanted = kit.squeeze(wanted)
  if wanted == "" then return nil end
  local best = { score = 0 }
  for number = 1, math.min(#lines, 20000) do
    local score = kit.likeness(wanted, kit.squeeze(lines[number]))
    if score > best.score then best = { score = score, line = lines[number], number = number } end
  end
  return best.score >= 0.4 and best or nil
end

-- Cuts at the end of a character, so that what is left is UTF-8 if the text was.
function kit.head(text, bytes)
  if #text <= bytes then return text end
  local stop = bytes
  while stop > 0 and (text:byte(stop + 1) or 0) & 0xC0 == 0x80 do stop = stop - 1 end
  return text:sub(1, stop)
end

function kit.tail(text, bytes)
  if #text <= bytes then return text end
  local start = #text - bytes + 1
  while start <= #text and text:byte(start) & 0xC0 == 0x80 do start = start + 1 end
  return text:sub(start)
end

-- Head and tail of a text with a note of what is between.
function kit.shorten(text, bytes)
  if #text <= bytes then return text end
  local head, tail = kit.head(text, bytes * 2 // 3), kit.tail(text, bytes // 3)
  return ("%s\n[... %d bytes left out here ...]\n%s"):format(head, #text - #head - #tail, tail)
end

function kit.plural(count, word, many)
  return ("%d %s"):format(count, count == 1 and word or many or word .. "s")
end

-- "2026-08-01T09:30:00Z" of seconds since 1970.
function kit.timestamp(seconds)
  local days, rest = math.floor(seconds) // 86400, math.floor(seconds) % 86400
  local z = days + 719468
  local era = z // 146097
  local doe = z - era * 146097
  local yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
  local doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
  local mp = (5 * doy + 2) // 153
  local day, month = doy - (153 * mp + 2) // 5 + 1, mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return ("%04d-%02d-%02dT%02d:%02d:%02dZ"):format(year, month, day, rest // 3600, rest % 3600 // 60, rest % 60)
end

-- What kind of image begins so; nil when it is none. The name of a file says nothing.
function kit.image_type(text)
  if text:sub(1, 8) == "\137PNG\r\n\26\n" then return "image/png" end
  if text:sub(1, 3) == "\255\216\255" then return "image/jpeg" end
  if text:sub(1, 4) == "GIF8" then return "image/gif" end
  if text:sub(1, 4) == "RIFF" and text:sub(9, 12) == "WEBP" then return "image/webp" end
  return nil
end

-- Seconds since 1970 of an ISO 8601 time; one without a zone is UTC. nil when it is none.
function kit.seconds(text)
  local year, month, day, rest = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  if not year then return nil end
  local hour, minute, second, zone = rest:match("^[T ](%d%d):(%d%d):?(%d*)%.?%d*(.*)$")
  if not hour then
    if rest ~= "" then return nil end
    hour, minute, second, zone = 0, 0, 0, "Z"
  end
  local y, m = math.tointeger(tonumber(year)), math.tointeger(tonumber(month))
  if m < 1 or m > 12 then return nil end
  y = m <= 2 and y - 1 or y
  local era = y // 400
  local yoe = y - era * 400
  local doy = (153 * (m > 2 and m - 3 or m + 9) + 2) // 5 + tonumber(day) - 1
  local days = era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468
  local seconds = days * 86400 + tonumber(hour) * 3600 + tonumber(minute) * 60 + (tonumber(second) or 0)
  if zone == "" or zone == "Z" or zone == "z" then return seconds end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then return nil end
  local offset = (tonumber(hours) * 60 + tonumber(minutes)) * 60
  return sign == "+" and seconds - offset or seconds + offset
end

local MARK = "EXTERNAL_UNTRUSTED_CONTENT"

-- Marks what strangers wrote. The id is new for each call, so that no page can know it and end the mark itself.
function kit.untrusted(text, source)
  local digits = {}
  local stream = random.stream("untrusted")
  for i = 1, 16 do digits[i] = ("%x"):format(stream.int(0, 15)) end
  local id = table.concat(digits)
  local plain = text:gsub("<<<%s*(/?%a*_?)" .. MARK, "<< %1" .. MARK)
  return ('<<<%s id="%s">>>\nSource: %s\n---\n%s\n<<<END_%s id="%s">>>'):format(MARK, id, source, plain, MARK, id), id
end

-- The code and the words of an error of a host function; any other error goes on.
function kit.host_error(problem)
  if type(problem) == "table" and type(problem.code) == "string" then return problem.code, problem.message end
  error(problem, 0)
end

-- Calls a host function. An error that `codes` has is a refusal with the tool's own code: nil and the refusal.
function kit.ask(codes, tool, call, ...)
  local ok, answer = pcall(call, ...)
  if ok then return answer end
  local code, message = kit.host_error(answer)
  if not codes[code] then error(answer, 0) end
  return nil, kit.refuse(codes[code], ("%s: %s"):format(tool, message))
end

return kit
