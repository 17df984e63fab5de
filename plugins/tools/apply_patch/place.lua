-- Finds where a hunk belongs, and puts it there.

local kit = require("@tool_kit")

local same = {
  function(a, b) return a == b end,
  function(a, b) return a:gsub("%s+$", "") == b:gsub("%s+$", "") end,
  function(a, b) return kit.squeeze(a) == kit.squeeze(b) end,
}

local function fits(lines, at, old, equal)
  for i = 1, #old do
    if not lines[at + i - 1] or not equal(lines[at + i - 1], old[i]) then return false end
  end
  return true
end

-- All places from line `from` on where the lines fit, by the strictest way of comparing that finds one.
local function places(lines, old, from, at_end)
  for _, equal in ipairs(same) do
    local found = {}
    local first = at_end and math.max(from, #lines - #old + 1) or from
    for at = first, #lines - #old + 1 do
      if fits(lines, at, old, equal) then found[#found + 1] = at end
    end
    if #found > 0 then return found end
  end
  return {}
end

local function below_headers(lines, hunk, from)
  local at = from
  for _, header in ipairs(hunk.headers) do
    local found = places(lines, { header }, at)[1] or places(lines, { header }, 1)[1]
    if not found then
      local near = kit.nearest(lines, header)
      return nil, ("its @@ line %q is not in the file%s"):format(header, near and ("; the nearest is line %d: %s"):format(near.number, near.line:sub(1, 160)) or "")
    end
    at = found + 1
  end
  return at
end

local function not_found(lines, hunk)
  for index, line in ipairs(hunk.old) do
    local near = kit.nearest(lines, line)
    local there = places(lines, { line }, 1)[1]
    if line:find("%S") and not there then
      return ("its line %d, %q, is not in the file%s"):format(index, line,
        near and ("; the nearest is line %d: %s"):format(near.number, near.line:sub(1, 160)) or "")
    end
  end
  return "its lines are in the file, but not one after another as the hunk has them"
end

-- Applies one hunk to `lines` in place. Returns the line after it, or nil and why not.
return function(lines, hunk, from)
  local start, why = below_headers(lines, hunk, from)
  if not start then return nil, why end
  local at
  if #hunk.old == 0 then
    at = #hunk.headers > 0 and not hunk.at_end and start or #lines + 1
  else
    local found = places(lines, hunk.old, start, hunk.at_end)
    if #found == 0 and not hunk.at_end and #hunk.headers == 0 then found = places(lines, hunk.old, 1) end
    if #found == 0 then return nil, not_found(lines, hunk) end
    if #found > 1 and #hunk.headers == 0 then
      local numbers = {}
      for i = 1, math.min(#found, 8) do numbers[i] = tostring(found[i]) end
      return nil, ("its lines fit at %d places (lines %s%s); give more unchanged lines, or an @@ line that stands above the right one")
        :format(#found, table.concat(numbers, ", "), #found > 8 and ", ..." or "")
    end
    at = found[1]
  end
  -- Unchanged lines stay as the file has them, also where their blanks differ from the hunk's.
  local out, line = {}, at
  for _, op in ipairs(hunk.ops) do
    if op.mark == "+" then
      out[#out + 1] = op.text
    else
      if op.mark == " " then out[#out + 1] = lines[line] end
      line = line + 1
    end
  end
  local tail = table.move(lines, line, #lines, 1, {})
  for i = #lines, at, -1 do lines[i] = nil end
  table.move(out, 1, #out, at, lines)
  table.move(tail, 1, #tail, #lines + 1, lines)
  return at + #out
end
