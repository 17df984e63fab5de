-- Small models often write a tool call as text instead of making it:
--   <tool_call>{"name": "exec", "arguments": {...}}</tool_call>
--   ```json {"name": "exec", "arguments": {...}} ```
--   <function=exec>{"command": "..."}</function>
-- Such text is treated as the call that it means. Only names of tools that exist count, so that an answer which merely
-- contains JSON stays an answer.

local scan = require("@model_json")

local textcalls = {}

local function names_of(tools)
  local names = {}
  for _, tool in ipairs(type(tools) == "table" and tools or {}) do
    local name = type(tool["function"]) == "table" and tool["function"].name or tool.name
    if type(name) == "string" then names[name] = true end
  end
  return names
end

-- {"name", "arguments"} in the spellings that occur; nil when the object is no call.
local function as_call(object, names)
  local inner = object["function"]
  if type(inner) == "table" then object = inner end
  local name = object.name or object.tool or object.tool_name or (type(inner) == "string" and inner or nil)
  if type(name) ~= "string" or not names[name] then return nil end
  local arguments = object.arguments
  if arguments == nil then arguments = object.parameters end
  if arguments == nil then arguments = object.args end
  if arguments == nil then arguments = object.input end
  if arguments == nil or arguments == json.null then
    if object == inner or object.name then return nil end
    arguments = {}
  end
  if type(arguments) ~= "table" and type(arguments) ~= "string" then return nil end
  return { name = name, arguments = arguments }
end

local function calls_in(body, names)
  local calls, from = {}, 1
  while true do
    local object, _, last = scan.object(body, from)
    if not object then return calls end
    local call = as_call(object, names)
    if call then calls[#calls + 1] = call end
    from = last + 1
  end
end

-- A call whose JSON is broken: the name can be read, the rest goes on as it stands, and the host tells the model what is
-- wrong with it.
local function broken_call(body, names)
  local name = body:match('"name"%s*:%s*"([%w_%-]+)"')
  if not name or not names[name] then return nil end
  local start = body:match('"arguments"%s*:%s*()') or body:match('"parameters"%s*:%s*()')
  if not start then return nil end
  local rest = body:sub(start):gsub("%s+$", "")
  -- The bracket that closes the call itself is not part of the arguments.
  return { name = name, arguments = (rest:gsub("}%s*$", "", 1)) }
end

local function collect(calls, found)
  for _, call in ipairs(found) do calls[#calls + 1] = call end
end

-- Where calls stand in a text, by the marks around them. An end that is missing (the answer was cut off) is the text's end.
local frames = {
  { open = "<tool_call>", close = "</tool_call>" },
  { open = "<function=([%w_%-]+)>", close = "</function>", named = true },
  { open = "```[%w_]*[ \t]*\r?\n?", close = "```" },
}

-- Takes the calls out of every frame of one kind. Decoding is a host call and cannot wait inside of gsub, hence the loop.
local function unframe(text, frame, names, calls)
  local kept, from = {}, 1
  while true do
    local first, last, name = text:find(frame.open, from)
    if not first then break end
    local stop, after = text:find(frame.close, last + 1, true)
    local body = text:sub(last + 1, (stop or #text + 1) - 1)
    local found
    if frame.named then
      found = names[name] and { { name = name, arguments = (body:gsub("^%s+", ""):gsub("%s+$", "")) } } or {}
    else
      found = calls_in(body, names)
      if #found == 0 then found = { broken_call(body, names) } end
    end
    after = after or #text
    collect(calls, found)
    kept[#kept + 1] = text:sub(from, #found > 0 and first - 1 or after)
    from = after + 1
  end
  kept[#kept + 1] = text:sub(from)
  return table.concat(kept)
end

-- Returns the calls and the text without them, or nil when there is no call in it.
function textcalls.find(content, tools)
  local names = names_of(tools)
  if next(names) == nil or type(content) ~= "string" then return nil end
  local calls, rest = {}, content
  for _, frame in ipairs(frames) do
    rest = unframe(rest, frame, names, calls)
    if #calls > 0 then break end
  end
  -- Bare JSON counts only when the answer is nothing else.
  if #calls == 0 and rest:find("^%s*[%[{]") and rest:find("[%]}]%s*$") then
    collect(calls, calls_in(rest, names))
    if #calls == 0 then collect(calls, { broken_call(rest, names) }) end
    if #calls > 0 then rest = "" end
  end
  if #calls == 0 then return nil end
  return calls, (rest:gsub("^%s+", ""):gsub("%s+$", ""))
end

return textcalls
