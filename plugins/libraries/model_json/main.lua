-- Finds JSON in what a model wrote: in a fence, after chatter, with text behind it.

local scan = {}

-- The end of the object or list that starts at `first`, by counting brackets outside of strings; nil when it is cut off.
function scan.balanced(text, first)
  local depth, at, in_string = 0, first, false
  while at <= #text do
    local char = text:sub(at, at)
    if in_string then
      if char == "\\" then at = at + 1 elseif char == '"' then in_string = false end
    elseif char == '"' then in_string = true
    elseif char == "{" or char == "[" then depth = depth + 1
    elseif char == "}" or char == "]" then
      depth = depth - 1
      if depth == 0 then return at end
    end
    at = at + 1
  end
  return nil
end

local function decode(text)
  local ok, value = pcall(json.decode, text)
  if ok and type(value) == "table" then return value end
  return nil
end

-- The first JSON object in the text that decodes, with where it starts and ends.
function scan.object(text, from)
  local at = from or 1
  while true do
    local first = text:find("{", at, true)
    if not first then return nil end
    local last = scan.balanced(text, first)
    if last then
      local value = decode(text:sub(first, last))
      if value then return value, first, last end
    end
    at = first + 1
  end
end

return scan
