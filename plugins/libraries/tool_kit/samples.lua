-- Sessions as the host describes them, for specs of the tools that look at some.

local samples = {}

function samples.session(more)
  local s = { session = "sub-1", status = "running", kind = "subagent", task = "Count errors", depth = 1, started = 1000, updated = 1060, messages = 4,
    turns = 1, tool_calls = 3, failures = 1, tokens = 50, parent = "main" }
  for key, value in pairs(more or {}) do s[key] = value end
  return s
end

samples.main = samples.session({ session = "main", kind = "main", depth = 0, task = "Everything" })
samples.main.parent = nil

return samples
