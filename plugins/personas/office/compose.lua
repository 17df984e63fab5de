-- Writes one first-person request out of several. Every request stands in it word for word; what is around it depends on the
-- persona: people with little experience explain themselves, others come to the point.

local compose = {}

local LEAST, MOST = 60, 130 -- words; many requests may go over
local LONGEST_CLOSE = 5

local brief_levels = { Senior = true, Expert = true, Executive = true }

local pools = {
  full = {
    greet = { "Hello, ", "Hi, ", "Hi there, ", "Good morning, ", "Hello and good day, ", "" },
    why = {
      "A few things have piled up on my desk and I would like to get them in order before the week is over.",
      "My supervisor asked me to take care of the following, and some of it is new to me.",
      "Usually I do this kind of work by hand and it costs me a whole afternoon.",
      "Nobody has had the time for these things in the last weeks, so they have landed with me.",
      "I have described everything as well as I can, because I don't know which details matter.",
      "I've tried part of it in a spreadsheet and got stuck, so now I'm asking for support.",
      "We have a meeting at the end of the week and these points should be off the list by then.",
      "It is a mixture of tidying up and small calculations, nothing dramatic, but it has to be right.",
    },
    lead = { "This is what I need.", "Here is the list.", "These are the points.", "In this order, if possible:", "What should happen:" },
    expect = {
      "I would like to go through it step by step, so that I can follow.",
      "If something fails on the way, please tell me what the error was, even when you could solve it.",
      "Please mention the numbers you find along the way, I will note them down.",
      "Anything that I have not mentioned should stay exactly as it is.",
      "It would be nice if I could understand afterwards what was done.",
      "The files are the only copy we have, so nothing may get lost.",
      "There is no hurry, I prefer that it is correct.",
    },
    goal = { "What matters to me in the end: $goal.", "My aim behind all of this is simple: $goal.", "If I may say what it is for: $goal." },
    close = { "Thank you very much!", "Thanks a lot in advance.", "I really appreciate it.", "Many thanks.", "Thank you for your patience.", "" },
  },
  brief = {
    greet = { "", "", "", "Hello. ", "Morning. " },
    why = { "Backlog of the week.", "Work order for today.", "Short list, all of it file work.", "Several open items, none of them big.", "Routine work that I'd rather not do by hand.",
      "This has to be off the table today.", "Loose ends before I report upwards." },
    lead = { "Items:", "Needed:", "In this order:", "To do:", "Scope:", "The list:" },
    expect = { "Report facts and numbers, no commentary.", "We take it one step at a time; I steer.", "Flag anything that fails, with the exact message.",
      "Don't touch what I haven't named.", "No collateral changes.", "If data contradicts itself, ask for a decision instead of guessing.", "I'll want one verification at the end.",
      "Exit codes and counts over adjectives." },
    goal = { "Objective: $goal.", "What counts: $goal.", "End goal: $goal." },
    close = { "", "", "Thanks.", "That's all.", "Appreciated." },
  },
}

local orders = {
  function(list) -- First, then, finally.
    local middle = { "Then ", "After that, ", "Next, ", "Following that, ", "Also, " }
    local out = {}
    for i, request in ipairs(list) do
      local word = i == 1 and "First, " or (i == #list and (#list > 2 and "Finally, " or "Then ")) or middle[(i - 2) % #middle + 1]
      out[i] = word .. request .. "."
    end
    return table.concat(out, " ")
  end,
  function(list) -- 1) 2) 3)
    local out = {}
    for i, request in ipairs(list) do out[i] = ("%d) %s"):format(i, request) end
    return table.concat(out, "; ") .. "."
  end,
  function(list) -- Please, also, and.
    local words = { "Please ", "Also ", "On top of that, ", "Besides, ", "And please ", "One more: " }
    local out = {}
    for i, request in ipairs(list) do out[i] = words[(i - 1) % #words + 1] .. request .. "." end
    return table.concat(out, " ")
  end,
  function(list) -- Sentences of their own.
    local out = {}
    for i, request in ipairs(list) do out[i] = request:gsub("^%l", string.upper) .. "." end
    return table.concat(out, " ")
  end,
}

local function pick(list) return list[random.int(1, #list)] end

local function count_words(text) return select(2, text:gsub("%S+", "")) end

local function lower_first(text)
  -- Leave acronyms, names of one capital word and "I" alone.
  if text:find("^%u%l") then return text:sub(1, 1):lower() .. text:sub(2) end
  return text
end

local function introduction(persona, about)
  if about then return about end
  local role, context = persona.role or "colleague", (persona.work_context or ""):gsub("[%s%.]+$", "")
  local text = ("I work as %s in %s"):format(role, (persona.industry or "an office"):lower())
  return context ~= "" and text .. " (" .. lower_first(context) .. ")" or text
end

local function with_goal(text, goal)
  local before, after = text:match("^(.-)%$goal(.*)$")
  return before .. goal .. after
end

local function sentence(text) return text .. (text:find("[%.%!%?:]$") and "" or ".") end

function compose.text(persona, requests, about)
  local level = persona.experience_level or ""
  local pool = pools[brief_levels[level] and "brief" or "full"]
  local order = pick(orders)
  local core = order(requests)
  -- A heading goes with a list, not with sentences that begin with "Please".
  if order ~= orders[3] then core = pick(pool.lead) .. " " .. core end

  local who, greet = introduction(persona, about), pick(pool.greet)
  local parts = { before = {}, after = {} }
  -- With a comma before it the sentence goes on, and "I" stays a capital anyway.
  parts.before[1] = greet .. sentence(who)
  local function size() return count_words(table.concat(parts.before, " ") .. " " .. core .. " " .. table.concat(parts.after, " ")) end

  local goals = persona.common_goals
  local extras = {
    { place = parts.before, text = pick(pool.why), likely = brief_levels[level] and 45 or 90 },
    { place = parts.after, text = pick(pool.expect), likely = brief_levels[level] and 50 or 80 },
  }
  if type(goals) == "table" and #goals > 0 then
    extras[#extras + 1] = { place = parts.after, text = with_goal(pick(pool.goal), lower_first(pick(goals))), likely = 40 }
  end
  for _, extra in ipairs(extras) do
    if random.int(1, 100) <= extra.likely and size() + count_words(extra.text) <= MOST - LONGEST_CLOSE then table.insert(extra.place, extra.text) end
  end
  local guard = 0
  while size() < LEAST and guard < 12 do
    guard = guard + 1
    local text = guard == 1 and #parts.before == 1 and extras[1].text or pick(pool.expect)
    local known = table.concat(parts.before, " ") .. table.concat(parts.after, " ")
    if not known:find(text, 1, true) then table.insert(guard == 1 and #parts.before == 1 and parts.before or parts.after, text) end
  end
  local close = pick(pool.close)
  if close ~= "" then parts.after[#parts.after + 1] = close end

  local text = table.concat(parts.before, " ") .. " " .. core
  if #parts.after > 0 then text = text .. " " .. table.concat(parts.after, " ") end
  return text
end

return compose
