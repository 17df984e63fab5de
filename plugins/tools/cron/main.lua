-- What is to be done later. Times are turned into numbers here; the host keeps them and lets them come due.

local kit = require("@tool_kit")

local codes = { E_SCHEDULE = "invalid_schedule", E_NOENTRY = "not_found", E_LIMIT = "limit", E_ARGUMENT = "invalid_args" }
local units = { ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000 }

local function stop(text) error({ code = "E_SCHEDULE", message = text }, 0) end

-- "+10m", "90s": from now on. A time as ISO 8601. A number: milliseconds since 1970.
local function moment(value)
  if type(value) == "number" then return math.floor(value) end
  local count, unit = tostring(value):match("^%s*%+?(%d+%.?%d*)%s*(%a+)%s*$")
  if count and units[unit] then return math.floor(clock.now() * 1000 + tonumber(count) * units[unit]) end
  local seconds = kit.seconds(tostring(value))
  if not seconds then stop(("%q is no time: write 2026-08-01T09:30:00Z or +10m"):format(tostring(value))) end
  return math.floor(seconds * 1000)
end

local function offset_of(zone)
  if zone == nil or zone == "" or zone == "UTC" or zone == "Z" or zone == "Etc/UTC" then return 0 end
  local sign, hours, minutes = tostring(zone):match("^[UG]?[TM]?[CT]?([+-])(%d%d?):?(%d*)$")
  if not sign then stop(("tz %q is not known here: UTC, or an offset such as +02:00"):format(tostring(zone))) end
  local offset = tonumber(hours) * 60 + (tonumber(minutes) or 0)
  return math.tointeger(sign == "+" and offset or -offset)
end

local function schedule_of(value, into)
  if type(value) ~= "table" then return end
  local kind = value.kind or (value.at or value.atMs) and "at" or value.everyMs and "every" or value.expr and "cron"
  if kind == "at" then into.at_ms = moment(value.at or value.atMs or "")
  elseif kind == "every" then into.every_ms = value.everyMs or stop("schedule.everyMs is missing")
  elseif kind == "cron" then
    into.cron = value.expr or stop("schedule.expr is missing")
    into.utc_offset_minutes = offset_of(value.tz)
  else stop("schedule.kind is at, every or cron") end
end

local function request_of(value)
  local request = { name = value.name }
  schedule_of(value.schedule, request)
  local payload = type(value.payload) == "table" and value.payload or {}
  request.text = payload.text or payload.message or value.text or value.message
  if value.sessionTarget == "isolated" or payload.kind == "agentTurn" then request.isolated = true
  elseif value.sessionTarget == "main" then request.isolated = false end
  if type(value.enabled) == "boolean" then request.enabled = value.enabled end
  return request
end

local function line_of(entry)
  local when = entry.cron and ("cron %s"):format(entry.cron) or entry.every_ms and ("every %g s"):format(entry.every_ms / 1000)
    or ("at %s"):format(kit.timestamp((entry.at_ms or 0) / 1000))
  local next = not entry.enabled and "disabled" or entry.next and "next " .. kit.timestamp(entry.next) or "done"
  return ("%s%s: %s; %s; ran %d times: %s"):format(entry.id, entry.name ~= "" and (" %q"):format(entry.name) or "", when, next, entry.runs, kit.head(kit.squeeze(entry.text), 200))
end

local actions = {}

function actions.status()
  local found = schedule.list()
  return { text = ("%s; it is %s."):format(kit.plural(#found.entries, "entry", "entries"), kit.timestamp(clock.now())), details = { entries = #found.entries, now = clock.now() } }
end

function actions.list(args)
  local lines, shown = {}, json.array({})
  for _, entry in ipairs(schedule.list().entries) do
    if entry.enabled or args.includeDisabled then
      shown[#shown + 1] = entry
      lines[#lines + 1] = line_of(entry)
    end
  end
  return { text = #lines > 0 and table.concat(lines, "\n") or "Nothing is scheduled.", details = { entries = shown } }
end

function actions.add(args)
  if not args.job then return kit.refuse("invalid_args", "cron: add needs job") end
  local request = request_of(args.job)
  if not request.text then return kit.refuse("invalid_args", "cron: job.payload needs text or message") end
  local entry = schedule.add(request)
  return { text = "Scheduled " .. line_of(entry), details = { entry = entry } }
end

function actions.update(args)
  local request = request_of(args.patch or args.job or {})
  request.id = args.jobId
  local entry = schedule.update(request)
  return { text = "Changed " .. line_of(entry), details = { entry = entry } }
end

function actions.remove(args)
  schedule.remove({ id = args.jobId })
  return { text = ("Removed %s."):format(args.jobId), details = { id = args.jobId } }
end

function actions.run(args)
  local entry = schedule.run({ id = args.jobId })
  return { text = ("%s runs now: what comes of it is a message to you."):format(args.jobId), details = { entry = entry } }
end

function actions.runs(args)
  local lines, shown = {}, json.array({})
  for _, ran in ipairs(schedule.list().runs) do
    if not args.jobId or ran.id == args.jobId then
      shown[#shown + 1] = ran
      lines[#lines + 1] = ("%s at %s%s"):format(ran.id, kit.timestamp(ran.time), ran.forced and " (by hand)" or "")
    end
  end
  return { text = #lines > 0 and table.concat(lines, "\n") or "Nothing has run yet.", details = { runs = shown } }
end

function actions.wake(args)
  if not args.text or not args.text:find("%S") then return kit.refuse("invalid_args", "cron: wake needs text") end
  local entry = schedule.add({ name = "wake", text = args.text, at_ms = math.floor(clock.now() * 1000) })
  return { text = "You get that as a message before your next step.", details = { entry = entry } }
end

local function run(args)
  for _, name in ipairs({ "update", "remove", "run" }) do
    if args.action == name and (not args.jobId or args.jobId == "") then return kit.refuse("invalid_args", ("cron: %s needs jobId"):format(name)) end
  end
  local answer, refusal = kit.ask(codes, "cron", actions[args.action], args)
  return answer or refusal
end

return { run = run }
