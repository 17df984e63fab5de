-- Replays the history over the stages.

local position = {}

-- How a turn went, by its calls: done, recovered (failed, then made up for), failed (the last call failed), silent (no call).
function position.outcome(digest)
  local calls = type(digest.calls) == "table" and digest.calls or {}
  if #calls == 0 then return "silent" end
  if not calls[#calls].ok then return "failed" end
  for _, call in ipairs(calls) do
    if not call.ok then return "recovered" end
  end
  return "done"
end

-- Where the dialogue stands: `index` of the stage to ask for, `repair` when it is asked for again, `closed` after the check.
-- A stage that ends in a failure and has no words for it goes on: the next stage is the user's answer to that.
function position.find(stages, history)
  local at = { index = 1, repair = false, unresolved = 0, again = false, closed = false }
  local checks = 0
  for _, exchange in ipairs(history) do
    local failed = position.outcome(exchange.digest or {}) == "failed"
    if at.index > #stages then
      checks = checks + 1
      if not failed then at.closed = true
      elseif checks == 2 then at.closed, at.unresolved = true, at.unresolved + 1 end
      at.again = failed
    elseif failed and stages[at.index].repair and not at.repair then
      at.repair = true
    else
      if failed and stages[at.index].repair then at.unresolved = at.unresolved + 1 end
      at.index, at.repair = at.index + 1, false
    end
  end
  return at
end

return position
