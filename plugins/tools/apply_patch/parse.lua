-- Reads a patch into a list of sections. A fault is an error object {line, text}.

local function fault(line, text)
  error({ line = line, text = text }, 0)
end

local function split(input)
  local lines = {}
  for line in ((input:sub(-1) == "\n") and input or input .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line:sub(-1) == "\r" and line:sub(1, -2) or line
  end
  return lines
end

-- Models put patches into fences and here-documents.
local function bounds(lines)
  local first, last
  for number, line in ipairs(lines) do
    local bare = line:match("^%s*(.-)%s*$")
    if bare == "*** Begin Patch" and not first then first = number end
    if bare == "*** End Patch" then last = number end
  end
  if not first then fault(1, "it does not start with *** Begin Patch") end
  if not last or last < first then fault(#lines, "it does not end with *** End Patch") end
  return first + 1, last - 1
end

local HEADS = { ["Add File"] = "add", ["Delete File"] = "delete", ["Update File"] = "update" }

local function head_of(line)
  local word, path = line:match("^%*%*%* (%a+ File): (.+)$")
  if word and HEADS[word] then return HEADS[word], path:match("^%s*(.-)%s*$") end
  return nil
end

local function add_line(section, line, number)
  if line:sub(1, 1) ~= "+" then fault(number, ("every line of an added file starts with +, this one is %q"):format(line)) end
  section.lines[#section.lines + 1] = line:sub(2)
end

local function new_hunk(section, number, header)
  local hunk = { number = #section.hunks + 1, line = number, headers = {}, old = {}, ops = {}, changes = 0 }
  if header and header ~= "" then hunk.headers[1] = header end
  section.hunks[#section.hunks + 1] = hunk
  return hunk
end

local function hunk_line(section, line, number)
  local hunk = section.hunks[#section.hunks]
  if line == "*** End of File" then
    if not hunk then fault(number, "*** End of File stands before any hunk") end
    hunk.at_end = true
    return
  end
  local header = line:match("^@@%s?(.*)$")
  if header then
    header = header:gsub("%s*@@%s*$", "")
    -- "@@ -12,7 +12,9 @@" of other diffs says nothing that counts here.
    if header:match("^%-%d+,?%d* %+%d+,?%d*") then header = header:gsub("^%-%d+,?%d* %+%d+,?%d*%s*", "") end
    if hunk and #hunk.ops == 0 and header ~= "" then
      hunk.headers[#hunk.headers + 1] = header
    else
      new_hunk(section, number, header)
    end
    return
  end
  hunk = hunk or new_hunk(section, number)
  local mark, rest = line:sub(1, 1), line:sub(2)
  if mark == "" then mark = " " end -- a blank line whose space an editor took away
  if mark ~= " " and mark ~= "-" and mark ~= "+" then
    fault(number, ("a line of a hunk starts with a space, - or +, this one is %q"):format(line))
  end
  if mark ~= "+" then hunk.old[#hunk.old + 1] = rest end
  hunk.ops[#hunk.ops + 1] = { mark = mark, text = rest }
  if mark ~= " " then hunk.changes = hunk.changes + 1 end
end

local function check(section)
  if section.kind ~= "update" then return end
  if #section.hunks == 0 and not section.to then fault(section.line, ("the update of %s has no hunk"):format(section.path)) end
  for _, hunk in ipairs(section.hunks) do
    if hunk.changes == 0 then fault(hunk.line, ("hunk %d of %s changes nothing"):format(hunk.number, section.path)) end
  end
end

return function(input)
  local lines = split(input)
  local first, last = bounds(lines)
  local sections = {}
  for number = first, last do
    local line = lines[number]
    local kind, path = head_of(line)
    local section = sections[#sections]
    if kind then
      sections[#sections + 1] = { kind = kind, path = path, line = number, lines = {}, hunks = {} }
    elseif not section then
      if line:find("%S") then fault(number, ("a section starts with *** Add File:, *** Delete File: or *** Update File:, not %q"):format(line)) end
    elseif section.kind == "update" and line:match("^%*%*%* Move to: ") then
      section.to = line:match("^%*%*%* Move to: (.-)%s*$")
    elseif section.kind == "update" then
      hunk_line(section, line, number)
    elseif section.kind == "add" then
      add_line(section, line, number)
    elseif line:find("%S") then
      fault(number, ("nothing follows *** Delete File, but here is %q"):format(line))
    end
  end
  if #sections == 0 then fault(first, "it has no section") end
  for _, section in ipairs(sections) do check(section) end
  return sections
end
