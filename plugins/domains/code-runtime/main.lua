return require("@task_kit").domain({
  id = "d531f8a6-135a-42d7-85c8-8e5511458411",
  name = "code-runtime",
  description = "This domain is about programs that are written, run and put right on the spot. It covers scripts that compute figures from data, debugging from a traceback, shell tools with honest exit codes, refactoring under unit tests and conversions by program. Engineers and analysts use it to turn a question into code and the code into a checked result. It gives the system its means to calculate and to prove what it claims.",
}, {
  require("tasks.fix_margins"),
  require("tasks.station_stats"),
  require("tasks.harden_backup"),
  require("tasks.flatten_orders"),
  require("tasks.refactor_pricing"),
  require("tasks.speed_up_match"),
  require("tasks.invoice_calculator"),
})
