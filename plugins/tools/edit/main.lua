-- Replaces one exact piece of text. A piece that is not there, or there more than once, changes nothing.

local kit = require("@tool_kit")

local MAX_FILE = 8 * 1024 * 1024

local refuse = kit.refuse

local function line_of(text, position)
  return select(2, text:sub(1, position - 1):gsub("\n", "")) + 1
end

local function matches(text, piece)
  local found, from = {}, 1
  while true do
    local first, last = text:find(piece, from, true)
    if not first then return found end
    found[#found + 1] = first
    from = last + 1
  end
end

-- The line of the file that looks most like the first line with words in `piece`.
local function nearest(text, piece)
  for _, line in ipairs(kit.lines(piece)) do
    if line:find("%S") then return kit.nearest(kit.lines(text), line) end
  end
  return nil
end

local function not_there(path, text, piece)
  local hint = ""
  local near = nearest(text, piece)
  if text:find("\r\n", 1, true) and piece:find("\n", 1, true) and not piece:find("\r", 1, true) then
    hint = "; the file has CRLF line ends and oldText has not"
  elseif near then
    hint = ("; the nearest line is %d: %s"):format(near.number, near.line:sub(1, 200))
  end
  return refuse("no_match", ("edit: oldText occurs 0 times in %s, nothing was changed%s"):format(path, hint), { matches = 0 })
end

local function too_many(path, text, found)
  local lines = {}
  for i = 1, math.min(#found, 10) do lines[i] = tostring(line_of(text, found[i])) end
  return refuse("many_matches", ("edit: oldText occurs %d times in %s (lines %s%s), nothing was changed; include more of the text around the one you mean")
    :format(#found, path, table.concat(lines, ", "), #found > 10 and ", ..." or ""), { matches = #found })
end

local function run(args)
  local path = kit.path(args.path)
  local there = ws.stat(path)
  if not there then return refuse("not_found", ("edit: %s: no such file"):format(path)) end
  if there.kind == "directory" then return refuse("is_directory", ("edit: %s is a directory"):format(path)) end
  if (there.size or 0) > MAX_FILE then return refuse("too_big", ("edit: %s has %d bytes, more than %d"):format(path, there.size, MAX_FILE)) end
  if args.oldText == args.newText then return refuse("same_text", "edit: oldText and newText are the same, nothing to change") end

  local text = ws.read(path, { max_bytes = MAX_FILE })
  local found = matches(text, args.oldText)
  if #found == 0 then return not_there(path, text, args.oldText) end
  if #found > 1 then return too_many(path, text, found) end

  local first = found[1]
  local line = line_of(text, first)
  ws.write(path, text:sub(1, first - 1) .. args.newText .. text:sub(first + #args.oldText), { mode = there.kind == "file" and there.mode or nil })
  return { text = ("Replaced 1 match in %s at line %d"):format(path, line), details = { path = path, line = line, matches = 1 } }
end

return { run = run }
