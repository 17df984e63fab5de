-- Reads a proposed user turn before it is sent, and says why when it cannot have come from the user.

local lexicon = require("lexicon")
local script = require("script")

local function normalize(text)
  text = text:lower():gsub("\u{2018}", "'"):gsub("\u{2019}", "'"):gsub("\u{201C}", '"'):gsub("\u{201D}", '"')
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

-- True when `phrase` stands in `text` as whole words: "as an ai" is not in "as an air traffic controller".
local function says(text, phrase)
  local from = 1
  while true do
    local first, last = text:find(phrase, from, true)
    if not first then return false end
    local before, after = text:sub(first - 1, first - 1), text:sub(last + 1, last + 1)
    local ends_in_word = phrase:find("%w$") ~= nil
    if not (first > 1 and before:find("[%w']")) and not (ends_in_word and after:find("%w")) then return true end
    from = first + 1
  end
end

local function assistant_phrase(text)
  for _, phrase in ipairs(lexicon.phrases) do
    if says(text, phrase) then return ('it speaks as the assistant ("%s")'):format(phrase) end
  end
  for _, cue in ipairs(lexicon.patterns) do
    local found = text:match(cue[1])
    if found then return ('it %s ("%s")'):format(cue[2], found:sub(1, 60)) end
  end
  return nil
end

-- "Could you specify the directory": the words of an input must follow soon, in the same sentence.
local function asks_for_inputs(text)
  for _, phrase in ipairs(lexicon.asks) do
    local _, last = text:find(phrase, 1, true)
    if last then
      local rest = text:sub(last + 1, last + 80):match("^[^%.%?!]*")
      for _, noun in ipairs(lexicon.inputs) do
        if rest:find("the [%a%- ]-" .. noun) or rest:find("your [%a%- ]-" .. noun) then
          return ('it asks the agent for an input of the user\'s own task ("%s%s")'):format(phrase, rest:sub(1, 40))
        end
      end
    end
  end
  return nil
end

local function looks_like_report(raw)
  local headings = select(2, ("\n" .. raw):gsub("\n#+ ", ""))
  local bold = select(2, raw:gsub("%*%*[^%*\n]+%*%*", ""))
  if headings >= 2 or (headings >= 1 and bold >= 3) then return "it is laid out like a report, with headings" end
  return nil
end

local function words(text)
  local set, count = {}, 0
  for word in text:gmatch("[%w\128-\255_/%.%-]+") do
    if not set[word] then set[word], count = true, count + 1 end
  end
  return set, count
end

local function repeats(text, history)
  local last = type(history) == "table" and history[#history] or nil
  if not last or type(last.user) ~= "string" then return nil end
  local before = normalize(last.user)
  if before == text then return "it repeats the user's last turn word for word" end
  local a, na = words(text)
  local b, nb = words(before)
  if na < 6 or nb < 6 then return nil end
  local common = 0
  for word in pairs(a) do if b[word] then common = common + 1 end end
  if common / (na + nb - common) >= 0.9 then return "it says almost the same as the user's last turn" end
  return nil
end

local function user_text(view)
  local parts = {}
  for _, key in ipairs({ "natural_language_intent", "query", "question" }) do
    local text = type(view.intent) == "table" and view.intent[key]
    if type(text) == "string" then parts[#parts + 1] = text end
  end
  for _, exchange in ipairs(type(view.history) == "table" and view.history or {}) do
    if type(exchange.user) == "string" then parts[#parts + 1] = exchange.user end
  end
  return table.concat(parts, "\n")
end

local function check(view)
  local raw = view.query
  if type(raw) ~= "string" or not raw:find("[%w\128-\255]") then return { ok = false, reason = "the turn is empty" } end
  local text = normalize(raw)
  local reason = assistant_phrase(text) or asks_for_inputs(text) or looks_like_report(raw) or repeats(text, view.history)
    or script.switch(raw, user_text(view))
  if reason then return { ok = false, reason = reason } end
  return { ok = true }
end

return { check = check }
