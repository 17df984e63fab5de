-- Patterns are matched component by component, with one point to come back to for each star: no pattern takes long.

local kit = require("@tool_kit")

local MOST_FILES = 20000
local MOST_BRANCHES = 64

local function split(path)
  local parts = {}
  for part in path:gmatch("[^/]+") do parts[#parts + 1] = part end
  return parts
end

-- "{a,b}" becomes two patterns.
local function branches(pattern)
  local done, open = {}, { pattern }
  while #open > 0 do
    local text = table.remove(open)
    local before, inside, after = text:match("^(.-){([^{}]*)}(.*)$")
    if not before then
      done[#done + 1] = text
    else
      for choice in (inside .. ","):gmatch("(.-),") do open[#open + 1] = before .. choice .. after end
    end
    if #done + #open > MOST_BRANCHES then return nil end
  end
  return done
end

local function name_matches(pattern, name)
  local p, n, star, back = 1, 1, nil, nil
  while n <= #name do
    local c = pattern:sub(p, p)
    if c == "*" then
      star, back, p = p, n, p + 1
    elseif c ~= "" and (c == "?" or c == name:sub(n, n)) then
      p, n = p + 1, n + 1
    elseif star then
      back = back + 1
      p, n = star + 1, back
    else
      return false
    end
  end
  return not pattern:sub(p):find("[^*]")
end

local function path_matches(pattern, path)
  local p, n, star, back = 1, 1, nil, nil
  while n <= #path do
    local part = pattern[p]
    if part == "**" then
      star, back, p = p, n, p + 1
    elseif part and name_matches(part, path[n]) then
      p, n = p + 1, n + 1
    elseif star then
      back = back + 1
      p, n = star + 1, back
    else
      return false
    end
  end
  for i = p, #pattern do
    if pattern[i] ~= "**" then return false end
  end
  return true
end

local function run(args)
  local root = kit.path(args.path)
  local there = ws.stat(root)
  if not there then return kit.refuse("not_found", ("glob: %s does not exist"):format(root)) end
  if there.kind ~= "directory" then return kit.refuse("not_directory", ("glob: %s is no directory"):format(root)) end
  if args.pattern:sub(1, 1) == "/" then
    return kit.refuse("invalid_args", "glob: the pattern is relative to path; give the directory in path")
  end
  local texts = branches(args.pattern)
  if not texts then return kit.refuse("invalid_args", ("glob: the braces give more than %d patterns"):format(MOST_BRANCHES)) end
  local patterns = {}
  for i, text in ipairs(texts) do
    local parts = split(text:gsub("^%./", ""))
    if #parts == 1 and parts[1] ~= "**" then table.insert(parts, 1, "**") end
    patterns[i] = parts
  end
  local listing = ws.list(root, { recursive = true, max = MOST_FILES })
  local found, total = {}, 0
  for _, entry in ipairs(listing.entries) do
    local path = entry.kind ~= "directory" and split(entry.path)
    for _, pattern in ipairs(patterns) do
      if path and path_matches(pattern, path) then
        total = total + 1
        if total <= args.limit then found[total] = entry.path end
        break
      end
    end
  end
  if total == 0 then
    local note = listing.truncated and (" among the first %d files"):format(MOST_FILES) or ""
    return { text = ("No file matches %s below %s%s."):format(args.pattern, root, note), details = { matches = 0, truncated = listing.truncated } }
  end
  if total > args.limit then found[#found + 1] = ("[%d more; narrow the pattern]"):format(total - args.limit) end
  if listing.truncated then found[#found + 1] = ("[only the first %d files were looked at]"):format(MOST_FILES) end
  return { text = table.concat(found, "\n"), details = { matches = total, truncated = listing.truncated or total > args.limit } }
end

return { run = run }
