-- One stage a turn. Where the dialogue stands is read from the history, so the same view gives the same position.

local phrases = require("phrases")
local position = require("position")

local short_levels = { Senior = true, Expert = true, Executive = true }

-- A trait of the persona as text; records of other makers may lack it or have null there.
local function trait(view, key)
  local value = type(view.persona) == "table" and view.persona[key]
  return type(value) == "string" and value or ""
end

local function register(view)
  local level = type(view.level) == "string" and view.level or trait(view, "experience_level")
  return short_levels[level] and "short" or "full"
end

local function manner(view)
  local style = trait(view, "communication_style"):lower()
  for _, word in ipairs({ "casual", "friendly", "warm", "playful", "cheerful", "informal", "humorous" }) do
    if style:find(word, 1, true) then return "casual" end
  end
  for _, word in ipairs({ "formal", "diplomatic", "polite", "courteous", "reserved", "ceremon" }) do
    if style:find(word, 1, true) then return "formal" end
  end
  return "plain"
end

local function fill(text, values)
  return (text:gsub("%$(%l+)", function(name) return values[name] or "$" .. name end))
end

-- Wordings that the user has not used yet, so that nobody says "Good." nine times.
local function fresh(pool, view, values)
  local said = {}
  for _, exchange in ipairs(view.history or {}) do said[#said + 1] = exchange.user end
  said = table.concat(said, "\n")
  local open = {}
  for _, text in ipairs(pool) do
    local filled = fill(text, values or {})
    if not filled:find("%$%l") and (filled == "" or not said:find(filled, 1, true)) then open[#open + 1] = filled end
  end
  if #open == 0 then return "" end
  return open[random.int(1, #open)]
end

local function lower_role(role)
  local words = {}
  for word in role:gmatch("%S+") do
    words[#words + 1] = (word:find("%u.*%u") or word:find("%d")) and word or word:lower()
  end
  local text = table.concat(words, " ")
  return (text:find("^[aeiou]") and "an " or "a ") .. text
end

-- How the user introduces themself in the request ("Hello, I run the office of a school in Baku."), or nil.
local function introduction(view)
  local text = type(view.intent) == "table" and view.intent.natural_language_intent
  if type(text) ~= "string" then return nil end
  local first, sentence = text:match("^.-()%f[%w](I %l[^%.!?\n]+)%. ")
  if not first or first > 60 or #sentence > 140 then return nil end
  return sentence .. "."
end

local function opening(view, stage)
  local kind, way = register(view), manner(view)
  local role, values = trait(view, "role"), {}
  local topics, seen = 0, {}
  for _, entry in ipairs(view.stages) do
    local task = entry.id and entry.id:match("^(%d+)/") or entry.task or ""
    if not seen[task] then seen[task], topics = true, topics + 1 end
  end
  values.n = phrases.numbers[topics]
  if topics < 2 then values.n = nil end
  if role ~= "" then values.role = lower_role(role) end
  values.context = introduction(view)
  local greeting = fresh(phrases.open[kind][way], view, values)
  local context = fresh(phrases.context[kind], view, values)
  -- "Three things today" begins a sentence.
  context = context:gsub("^%l", string.upper)
  local text = stage.ask[kind == "short" and "brief" or "full"]
  -- "To begin:" goes on with the request itself.
  if greeting:find(": $") and context ~= "" then greeting = "" end
  return greeting .. context .. text
end

local function new_file(digest, ask)
  local files = type(digest.files) == "table" and digest.files.created or nil
  if type(files) ~= "table" then return nil end
  local named = {}
  for _, path in ipairs(files) do
    if not path:find("__pycache__", 1, true) and #path < 60 and not ask:find(path, 1, true) then named[#named + 1] = path end
  end
  if #named == 0 or #named > 4 then return nil end
  return named[#named]
end

-- A failed call may have been meant to fail. Only when the agent owns up to a slip does the user comment on it.
local function admits_slip(text)
  text = (text or ""):lower()
  for _, cue in ipairs({ "attempt", "first version", "first try", "my first", "the first run", "went wrong", "on the way", "second try" }) do
    if text:find(cue, 1, true) then return true end
  end
  return false
end

-- A reaction to what the digest says, or nothing: people do not acknowledge every single answer.
local function reaction(view, stage, kind)
  local exchange = view.history[#view.history]
  local digest = exchange.digest or {}
  local result = position.outcome(digest)
  if result == "failed" then return fresh(phrases.trouble[kind], view) end
  if random.int(1, 100) <= (kind == "short" and 40 or 15) then return "" end
  if result == "recovered" and admits_slip(exchange.assistant) and random.int(1, 100) <= 60 then return fresh(phrases.recovered[kind], view) end
  local path = new_file(digest, stage.ask and stage.ask.full or "")
  if path and random.int(1, 100) <= 45 then
    local text = fresh(phrases.created[kind], view, { path = path })
    if text ~= "" then return text end
  end
  return fresh(phrases.done[kind][manner(view)], view)
end

local function next_stage(view, at)
  local kind = register(view)
  local stage = view.stages[at.index]
  local words = stage[at.repair and "repair" or "ask"]
  local text = words[kind == "short" and "brief" or "full"]
  if at.repair then return { completed = false, query = text, reason = "the last call of this stage failed", stage = stage.id } end
  local lead = reaction(view, stage, kind)
  local before = view.stages[at.index - 1]
  if before and before.task ~= stage.task and random.int(1, 100) <= 75 then lead = lead .. fresh(phrases.topic[kind], view) end
  return { completed = false, query = lead .. text, reason = "the stage before is done, next is " .. stage.id, stage = stage.id }
end

local function verification(view, at)
  local pool = phrases[at.again and "verify_again" or "verify"][register(view)]
  local text = fresh(pool, view)
  return { completed = false, query = text ~= "" and text or pool[1], reason = "all stages are done, one check before closing", stage = "verify" }
end

local function close(at)
  local ok = at.unresolved == 0
  local reason = ok and "every stage is done and the check went through"
    or ("%d of the stages ended with a failed call"):format(at.unresolved)
  return { completed = true, query = "", reason = reason, is_success = ok }
end

-- An intent that has no stages: state it, ask for one check, stop.
local function without_stages(view)
  local turns = #(view.history or {})
  local intent = view.intent or {}
  if turns == 0 then
    local request = ""
    for _, key in ipairs({ "question", "query", "natural_language_intent" }) do
      if type(intent[key]) == "string" then request = intent[key] end
    end
    return { completed = false, query = request, reason = "no stages: the whole request at once" }
  end
  local outcome = position.outcome(view.history[turns].digest or {})
  if turns == 1 then
    local decision = verification(view, {})
    decision.reason = "no stages: one check before closing"
    return decision
  end
  return { completed = true, query = "", is_success = outcome == "done" or outcome == "recovered", reason = "no stages; judged by the last turn's calls: " .. outcome }
end

local function next_turn(view)
  if type(view.stages) ~= "table" or #view.stages == 0 then return without_stages(view) end
  if #(view.history or {}) == 0 then
    local stage = view.stages[1]
    return { completed = false, query = opening(view, stage), reason = "opening with the first stage", stage = stage.id }
  end
  local at = position.find(view.stages, view.history)
  if at.closed then return close(at) end
  if at.index > #view.stages then return verification(view, at) end
  return next_stage(view, at)
end

return { next = function(view) return next_turn(view) end }
