local kit = require("@tool_kit")

local function run(args)
  local found, refusal = kit.ask({ E_NOENT = "not_found" }, "memory_get", memory.get, { path = args.path, from = args.from, lines = args.lines })
  if not found then return refusal end
  if found.to < found.from then
    return kit.refuse("past_end", ("memory_get: %s has only %s"):format(found.path, kit.plural(found.total, "line")))
  end
  local rest = found.to < found.total and ("\n[lines %d-%d of %d]"):format(found.from, found.to, found.total) or ""
  return { text = kit.shorten(found.text, 40000) .. rest, details = { path = found.path, from = found.from, to = found.to, total = found.total } }
end

return { run = run }
