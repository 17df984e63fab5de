-- Fills {{step.field}} in a reply with what the step really returned.
--   stdout  first line          all    everything it printed     last   last line with text
--   lineN   line N              lines  how many lines            rest   everything but the first line
--   error   last line that is not a bracketed note               text   what the model saw     exit_code

local template = {}

local function trim(text) return (text:gsub("^%s+", ""):gsub("%s+$", "")) end

local function split(text)
  local lines = {}
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("(.-)\r?\n") do lines[#lines + 1] = line end
  if #lines == 1 and lines[1] == "" then lines[1] = nil end
  return lines
end

local function last_line(lines, is_note)
  for i = #lines, 1, -1 do
    local line = trim(lines[i])
    if line ~= "" and not (is_note and line:find("^%[.*%]$")) then return line end
  end
  return ""
end

function template.field(result, name)
  local output = result.stdout or result.text or ""
  local lines = split(output)
  if name == "stdout" then return trim(lines[1] or "") end
  if name == "all" then return (output:gsub("%s+$", "")) end
  if name == "rest" then return (output:gsub("^[^\n]*\n?", ""):gsub("%s+$", "")) end
  if name == "last" then return last_line(lines, false) end
  if name == "lines" then return tostring(#lines) end
  if name == "text" then return (result.text or ""):gsub("%s+$", "") end
  if name == "exit_code" then return tostring(result.exit_code or (result.ok and 0 or 1)) end
  if name == "error" then return last_line(split(result.text or ""), true) end
  local number = name:match("^line(%d+)$")
  if number then return trim(lines[tonumber(number)] or "") end
  error("a reply asks for an unknown field: " .. name)
end

function template.fill(text, results)
  return (text:gsub("{{([%w_%-]+)%.([%w_]+)}}", function(id, name)
    local result = results[id]
    if not result then return "(not run)" end
    return (template.field(result, name))
  end))
end

return template
