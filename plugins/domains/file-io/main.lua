-- The file-io domain. Each task is a module of its own: what it is, and `make`, which fills it with seeded values.

local kit = require("@task_kit")

local modules = {
  require("tasks.sort_folder"),
  require("tasks.merge_csv"),
  require("tasks.patch_config"),
  require("tasks.clean_contacts"),
  require("tasks.split_log"),
  require("tasks.normalize_text"),
  require("tasks.verify_delivery"),
}

local by_name, tasks = {}, {}
for i, task in ipairs(modules) do
  by_name[task.name] = task
  tasks[i] = { id = task.id, name = task.name, description = task.description, tools = task.tools, skills = json.array(task.skills or {}) }
end

local function instantiate(name, persona, ctx)
  local task = by_name[name]
  if not task then return ctx.fail("unknown_task", ("file-io has no task named %s"):format(tostring(name))) end
  local instance = task.make(kit, persona)
  instance.task = name
  return instance
end

return {
  id = "6f5b5a08-8e1f-4188-a32f-8310e7484eea",
  name = "file-io",
  description = "This domain covers work on local files: creating, modifying and analysing documents, tables, configurations and logs. It supports direct edits, structured patches and unified diffs, reorganising and merging folders, and checking that content survived a change. Users rely on it to keep working material in order and to prepare data for the next step. It is the ground on which the results of all other domains are kept.",
  tasks = tasks,
  instantiate = instantiate,
}
