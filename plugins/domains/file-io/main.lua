return require("@task_kit").domain({
  id = "6f5b5a08-8e1f-4188-a32f-8310e7484eea",
  name = "file-io",
  description = "This domain covers work on local files: creating, modifying and analysing documents, tables, configurations and logs. It supports direct edits, structured patches and unified diffs, reorganising and merging folders, and checking that content survived a change. Users rely on it to keep working material in order and to prepare data for the next step. It is the ground on which the results of all other domains are kept.",
}, {
  require("tasks.sort_folder"),
  require("tasks.merge_csv"),
  require("tasks.patch_config"),
  require("tasks.clean_contacts"),
  require("tasks.split_log"),
  require("tasks.normalize_text"),
  require("tasks.verify_delivery"),
})
