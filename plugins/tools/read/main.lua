-- Shows a page of a text file, and says honestly what the page leaves out.

local kit = require("@tool_kit")

local MAX_LINES, MAX_BYTES = 2000, 50 * 1024
local MAX_IMAGE = 4 * 1024 * 1024
local MAX_FILE = 8 * 1024 * 1024 -- larger files are for head, sed and grep

local refuse = kit.refuse

local function parent_of(path)
  local folder, name = path:match("^(.*)/([^/]+)/?$")
  if not folder then return ".", path end
  return folder == "" and "/" or folder, name
end

-- Names in the same folder that the model may have meant: same name in another case, or the same stem.
local function neighbours(path)
  local folder, name = parent_of(path)
  local found, listing = {}, nil
  local ok = pcall(function() listing = ws.list(folder, { recursive = false, max = 200 }) end)
  if not ok or type(listing) ~= "table" then return folder, nil end
  local stem = name:lower():match("^(.-)%.?[^.]*$")
  for _, entry in ipairs(listing.entries) do
    local other = entry.path:match("[^/]+$") or entry.path
    local low = other:lower()
    if low == name:lower() or (stem and #stem > 2 and low:find(stem, 1, true)) then found[#found + 1] = other end
    if #found == 5 then break end
  end
  return folder, found
end

local function missing(path)
  local folder, found = neighbours(path)
  if not found then return refuse("not_found", ("read: %s: no such file, and %s is not a directory either"):format(path, folder)) end
  local hint = #found > 0 and ("; near names there: " .. table.concat(found, ", ")) or ""
  return refuse("not_found", ("read: %s: no such file%s"):format(path, hint))
end

local function size_of(text, mime)
  if mime == "image/png" and #text >= 24 then
    local width, height = string.unpack(">I4I4", text, 17)
    return (", %dx%d pixels"):format(width, height)
  end
  return ""
end

local function attach(path, text, mime)
  if #text > MAX_IMAGE then
    return refuse("too_big", ("read: the image %s has %d bytes, more than the %d that can be attached; make it smaller first"):format(path, #text, MAX_IMAGE))
  end
  return { text = ("Read image file %s [%s%s, %d bytes]"):format(path, mime, size_of(text, mime), #text),
    images = { { mime = mime, data = ws.read(path, { encoding = "base64", max_bytes = MAX_IMAGE }) } },
    details = { mime = mime, bytes = #text } }
end

local function is_binary(text)
  if text:find("\0", 1, true) then return true end
  if utf8.len(text) then return false end
  local sample = text:sub(1, 8000)
  local odd = select(2, sample:gsub("[\1-\8\14-\31]", ""))
  return odd * 20 > #sample
end

-- Line starts are found by scanning; a last line without a line break counts as a line.
local function page(text, offset, limit)
  local line, start = 1, 1
  while line < offset do
    local stop = text:find("\n", start, true)
    if not stop or stop == #text then return nil, line end
    line, start = line + 1, stop + 1
  end
  local first, stop, count, cut_line = start, start - 1, 0, false
  while count < limit and stop < #text do
    local finish = text:find("\n", stop + 1, true) or #text
    if finish - first + 1 > MAX_BYTES then
      if count == 0 then stop, count, cut_line = first + MAX_BYTES - 1, 1, true end
      break
    end
    stop, count = finish, count + 1
  end
  return { text = text:sub(first, stop), count = count, stop = stop, cut_line = cut_line }
end

local function count_lines(text)
  local breaks = select(2, text:gsub("\n", ""))
  return (text:sub(-1) == "\n" or text == "") and breaks or breaks + 1
end

local function run(args)
  local path = kit.path(args.path)
  local there = ws.stat(path)
  if not there then return missing(path) end
  if there.kind == "directory" then return refuse("is_directory", ("read: %s is a directory; list it with the list tool"):format(path)) end
  if (there.size or 0) > MAX_FILE then
    return refuse("too_big", ("read: %s has %d bytes, more than the %d that read handles; look at parts of it with exec (head, sed -n, grep)")
      :format(path, there.size, MAX_FILE))
  end

  local text = ws.read(path, { max_bytes = MAX_FILE })
  local mime = kit.image_type(text)
  if mime then return attach(path, text, mime) end
  if is_binary(text) then
    return refuse("binary", ("read: %s is a binary file (%d bytes), not text; inspect it with exec, for example: od -c %s | head")
      :format(path, #text, path))
  end
  if text == "" then return { text = "(the file is empty)", details = { lines = 0, bytes = 0 } } end

  local offset, limit = args.offset or 1, math.min(args.limit or MAX_LINES, MAX_LINES)
  local shown, last = page(text, offset, limit)
  if not shown then
    return refuse("past_end", ("read: %s has only %d lines, so there is no line %d"):format(path, last, offset))
  end
  local out, total = shown.text, count_lines(text)
  if shown.cut_line then
    out = ("%s\n[line %d is longer than %d bytes and was cut; use exec (cut -c) for the rest]"):format(out, offset, MAX_BYTES)
  elseif shown.stop < #text then
    local next_line = offset + shown.count
    if out:sub(-1) ~= "\n" then out = out .. "\n" end
    out = ("%s[lines %d-%d of %d shown; go on with offset %d]"):format(out, offset, next_line - 1, total, next_line)
  end
  return { text = out, details = { lines = total, bytes = #text, from = offset, shown = shown.count } }
end

return { run = run }
