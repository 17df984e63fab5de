-- Reads the model's answer. Gives the decision, or nil and the reason, which goes back to the model.

local scan = require("@model_json")

local decision = {}

local yes = { ["true"] = true, ["yes"] = true, ["1"] = true }
local no = { ["false"] = false, ["no"] = false, ["0"] = false }

-- Models write "false" as text; a text is not a truth value.
local function truth(value)
  if type(value) == "boolean" then return value end
  if type(value) == "number" then return value ~= 0 end
  if type(value) == "string" then
    local word = value:lower()
    if yes[word] ~= nil then return true end
    if no[word] ~= nil then return false end
  end
  return nil
end

-- A few openings that only the other side uses. The guard plugins know more; this saves a round trip through them.
local drift = { "^sure[,!] ", "^certainly[,!] ", "^of course[,!] i", "^i'd be happy to", "^i would be happy to", "^i can help you", "^let me help you",
  "how can i help", "how can i assist", "how may i assist", "would you like me to", "shall i proceed", "as an ai", "i've gone ahead and",
  "i have successfully", "i've successfully", "let me know if you have any questions", "feel free to ask", "i'll go ahead and" }

local function drifts(query)
  local text = query:lower():gsub("\u{2019}", "'"):gsub("%s+", " ")
  for _, cue in ipairs(drift) do
    local found = text:match(cue)
    if found then return found end
  end
  return nil
end

local function trim(text) return (text:gsub("^%s+", ""):gsub("%s+$", "")) end

function decision.read(content)
  if type(content) ~= "string" or not content:find("%S") then return nil, "the answer was empty" end
  -- What a model thinks aloud in front is not part of the answer.
  local text = content:gsub("<think>.-</think>", "")
  local object = scan.object(text)
  if not object then return nil, "there was no complete JSON object in it" end

  local completed = truth(object.completed)
  if completed == nil then
    if object.completed ~= nil then return nil, "`completed` has to be true or false" end
    if type(object.query) ~= "string" then return nil, "`completed` and `query` are missing" end
    completed = false
  end
  local query = object.query
  if query == nil or query == json.null then query = "" end
  if type(query) ~= "string" then return nil, "`query` has to be text" end
  query = trim(query)
  if not completed then
    if query == "" then return nil, "`query` is empty although you are not finished" end
    local cue = drifts(query)
    if cue then return nil, ('`query` sounds like the agent ("%s"); you are the human who asks for the work'):format(trim(cue)) end
  end
  local success = truth(object.is_success)
  if success == nil then success = completed end
  return {
    completed = completed, query = completed and "" or query, is_success = completed and success,
    reason = type(object.reason) == "string" and trim(object.reason) or "",
  }
end

return decision
