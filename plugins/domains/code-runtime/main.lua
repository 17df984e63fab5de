-- The code-runtime domain. Each task is a module of its own: what it is, and `make`, which fills it with seeded values.

local kit = require("@task_kit")

local modules = {
  require("tasks.fix_margins"),
  require("tasks.station_stats"),
  require("tasks.harden_backup"),
  require("tasks.flatten_orders"),
  require("tasks.refactor_pricing"),
  require("tasks.speed_up_match"),
  require("tasks.invoice_calculator"),
}

local by_name, tasks = {}, {}
for i, task in ipairs(modules) do
  by_name[task.name] = task
  tasks[i] = { id = task.id, name = task.name, description = task.description, tools = task.tools, skills = json.array(task.skills or {}) }
end

local function instantiate(name, persona, ctx)
  local task = by_name[name]
  if not task then return ctx.fail("unknown_task", ("code-runtime has no task named %s"):format(tostring(name))) end
  local instance = task.make(kit, persona)
  instance.task = name
  return instance
end

return {
  id = "d531f8a6-135a-42d7-85c8-8e5511458411",
  name = "code-runtime",
  description = "This domain is about programs that are written, run and put right on the spot. It covers scripts that compute figures from data, debugging from a traceback, shell tools with honest exit codes, refactoring under unit tests and conversions by program. Engineers and analysts use it to turn a question into code and the code into a checked result. It gives the system its means to calculate and to prove what it claims.",
  tasks = tasks,
  instantiate = instantiate,
}
