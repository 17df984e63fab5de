-- Walks through the steps of the stage at hand. Where it stands is worked out from the results of this user turn alone,
-- so the same view always gives the same answer.

local template = require("template")

-- A stage may be named "move" or, when several tasks share a run, "2/move".
local function find_stage(stages, id)
  for _, stage in ipairs(stages) do
    if stage.id == id then return stage end
  end
  for _, stage in ipairs(stages) do
    if type(stage.id) == "string" and stage.id:match("([^/]+)$") == id then return stage end
  end
  return nil
end

-- The user asks for the stage again, in the words that it has for that.
local function is_repair(stage, user)
  local repair = stage.repair
  if type(repair) ~= "table" or type(repair.steps) ~= "table" or type(user) ~= "string" then return false end
  for _, register in ipairs({ "brief", "full" }) do
    local words = repair[register]
    if type(words) == "string" and user:find(words, 1, true) then return true end
  end
  return false
end

-- Every stage carries the check of its task; each task's check is one part.
local function checks(stages)
  local parts, seen = {}, {}
  for _, stage in ipairs(stages) do
    local verify, key = stage.verify, stage.task_index or stage.task
    if type(verify) == "table" and verify.steps and key and not seen[key] then
      seen[key] = true
      parts[#parts + 1] = { steps = verify.steps, reply = verify.reply }
    end
  end
  return #parts > 0 and parts or nil
end

-- One part is a list of steps with the reply that belongs to it; a verification has a part for each task.
local function parts_of(view)
  local stage = find_stage(view.stages, view.stage)
  if not stage then return view.stage == "verify" and checks(view.stages) or nil end
  if type(stage.steps) ~= "table" then return nil end
  if is_repair(stage, view.user) then
    return { { steps = stage.repair.steps, reply = stage.repair.reply or stage.reply } }
  end
  return { { steps = stage.steps, reply = stage.reply } }
end

local function wanted(step, done)
  local when = step.when
  if type(when) ~= "table" then return true end
  local result = done[when.after]
  if not result then return false end
  return (when.outcome == "failed") == (not result.ok)
end

-- Does a later step exist because this one may fail?
local function is_handled(steps, index)
  for i = index + 1, #steps do
    local when = steps[i].when
    if type(when) == "table" and when.after == steps[index].id and when.outcome == "failed" then return true end
  end
  return false
end

local function as_call(step) return { name = step.tool, arguments = step.arguments } end

-- The next calls of a part, or nil when it is through. Steps marked `together` go out in the same message.
local function next_calls(steps, from, done)
  local calls, first
  for i = from, #steps do
    local step = steps[i]
    if calls and not step.together then break end
    if wanted(step, done) then
      if not calls then calls, first = {}, step end
      calls[#calls + 1] = as_call(step)
    end
  end
  if not calls then return nil end
  return { calls = calls, reasoning = first.why, text = first.say }
end

-- Matches the results so far with the steps of all parts, in order.
local function follow(parts, results)
  local used = 0
  for _, part in ipairs(parts) do
    part.done = {}
    local i = 1
    while i <= #part.steps do
      local step = part.steps[i]
      if wanted(step, part.done) then
        local result = results[used + 1]
        if not result then return next_calls(part.steps, i, part.done) end
        used = used + 1
        part.done[step.id] = result
        if not result.ok and step.expect ~= "fail" and not is_handled(part.steps, i) then
          return nil, { step = step, result = result }
        end
      end
      i = i + 1
    end
  end
  return nil
end

local function describe(step)
  local arguments = step.arguments or {}
  return step.tool .. " " .. tostring(arguments.command or arguments.path or ""):match("^[^\n]*")
end

-- A step that the playbook did not expect to fail: say so and stop, rather than claim the planned reply.
local function admit(trouble)
  return ("I could not finish this. `%s` failed with: %s. I have not tried anything beyond that point.")
    :format(describe(trouble.step), template.field(trouble.result, "error"))
end

local function next_move(view)
  if type(view.stages) ~= "table" or #view.stages == 0 then
    local text = "I can only act on tasks that come with a playbook, and this one has none, so I have not run anything."
    return { say = text, stop = text }
  end
  local parts = parts_of(view)
  if not parts then
    local text = ("The playbook has no steps for the stage %s, so I have not run anything."):format(tostring(view.stage))
    return { say = text, stop = text }
  end
  local move, trouble = follow(parts, view.results or {})
  if move then return move end
  if trouble then return { say = admit(trouble) } end
  local replies = {}
  for i, part in ipairs(parts) do replies[i] = template.fill(part.reply or "Done.", part.done) end
  return { say = table.concat(replies, "\n\n") }
end

return { next = function(view) return next_move(view) end }
