-- One long log becomes a file a day. Stack traces span several lines and must stay with the entry that they belong to.

local task = {
  id = "9fcb3999-7b8f-4e95-a18e-a168d3d8e633",
  name = "Split Log By Day",
  description = "Split an application log into one file per day without tearing multi-line entries apart, and count errors per day.",
  tools = { "exec", "read" },
  skills = { "log-triage" },
}

local messages = {
  INFO = { "request served route=/v1/orders status=200", "cache warmed entries=%d", "user session opened uid=%d", "batch committed rows=%d" },
  WARN = { "slow query took=%dms", "retrying upstream attempt=%d", "queue depth %d above soft limit" },
  ERROR = { "payment gateway refused code=%d", "could not parse payload id=%d", "worker %d lost its lease" },
}

local traces = {
  { "Traceback (most recent call last):", '  File "/srv/app/worker.py", line %d, in handle', "    lease.renew()", "LeaseError: expired" },
  { "java.lang.IllegalStateException: pool closed", "\tat app.Pool.take(Pool.java:%d)", "\tat app.Worker.run(Worker.java:88)" },
}

local function entry(kit, day, minute)
  local level = kit.pick({ "INFO", "INFO", "INFO", "WARN", "ERROR" })
  local text = kit.pick(messages[level]):gsub("%%d", tostring(kit.int(2, 9000)))
  local lines = { ("%s %02d:%02d:%02d %-5s %s"):format(day, minute // 60, minute % 60, kit.int(0, 59), level, text) }
  if level == "ERROR" and kit.chance(60) then
    for _, line in ipairs(kit.pick(traces)) do lines[#lines + 1] = (line:gsub("%%d", tostring(kit.int(10, 400)))) end
  end
  return lines, level
end

local function build(kit, days)
  local all, per_day, errors = {}, {}, {}
  for _, day in ipairs(days) do
    per_day[day], errors[day] = {}, 0
    local minute, count = kit.int(0, 90), kit.int(7, 13)
    for i = 1, count do
      local lines, level = entry(kit, day, minute)
      -- Each day has at least one error with a trace, or the task would not show what it is about.
      if i == count // 2 then
        lines = { ("%s %02d:%02d:%02d ERROR worker %d lost its lease"):format(day, minute // 60, minute % 60, kit.int(0, 59), kit.int(1, 16)) }
        level = "ERROR"
        for _, line in ipairs(kit.pick(traces)) do lines[#lines + 1] = (line:gsub("%%d", tostring(kit.int(10, 400)))) end
      end
      for _, line in ipairs(lines) do
        all[#all + 1] = line
        table.insert(per_day[day], line)
      end
      if level == "ERROR" then errors[day] = errors[day] + 1 end
      minute = math.min(minute + kit.int(20, 100), 1439)
    end
  end
  return all, per_day, errors
end

function task.make(kit)
  local app = kit.pick({ "checkout", "dispatch", "pharmacy", "ledger", "ingest" })
  local year, month, first = kit.int(2023, 2025), kit.int(1, 12), kit.int(1, 24)
  local days = {}
  for i = 0, kit.int(2, 3) do days[#days + 1] = ("%d-%02d-%02d"):format(year, month, first + i) end
  local base = app .. "-logs"
  local all, per_day, errors = build(kit, days)
  local v = { app = app, base = base, file = base .. "/" .. app .. ".log", out = base .. "/daily", first = days[1], last = days[#days],
    days = #days, summary = base .. "/errors-per-day.txt", lines = #all }

  local summary, goals = {}, { { kind = "unchanged", path = v.file } }
  for i, day in ipairs(days) do
    summary[i] = ("%s %d"):format(day, errors[day])
    goals[#goals + 1] = { kind = "file_equals", path = ("%s/%s.log"):format(v.out, day), content = kit.lines(per_day[day]) }
  end
  goals[#goals + 1] = { kind = "file_equals", path = v.summary, content = kit.lines(summary) }
  goals[#goals + 1] = { kind = "command", argv = { "sh", "-c", "ls " .. v.out .. " | wc -l" }, stdout = tostring(#days) }

  return {
    values = { file = v.file, folder = v.out, from = v.first, to = v.last, summary = v.summary },
    request = kit.say({
      "split $file ($first to $last) into one file per day under $out with stack traces kept whole, and count errors per day in $summary",
      "cut $file, which runs from $first to $last, into daily logs in $out without breaking stack traces, plus an error count in $summary",
    }, v),
    fixture = { files = { [v.file] = kit.lines(all) } },
    goals = goals,
    stages = {
      {
        id = "look",
        ask = kit.ask({ "Which days does $file cover, and how many lines per day?", "Have a look at $file: days covered, lines, anything odd.", "$file got long. What's in it, by day?" },
          { "The $app service has been writing into a single log, $file, for days and it is becoming hard to read. Can you tell me which days it covers and roughly how many entries there are for each?",
            "I need to split a log but would like to understand it first. Please look at $file and tell me which days are in there, how many entries each day has, and whether there are lines that don't start with a date." }, v),
        steps = {
          { id = "days", tool = "exec", why = "Entries start with the date, so count those.", arguments = { command = "grep -oE '^[0-9]{4}-[0-9]{2}-[0-9]{2}' " .. v.file .. " | sort | uniq -c" } },
          { id = "other", tool = "exec", why = "Lines without a date would be lost by a naive split.", arguments = { command = "wc -l < " .. v.file .. " && grep -cvE '^[0-9]{4}-' " .. v.file } },
        },
        reply = kit.say({ "Entries per day:\n\n{{days.all}}\n\nThe file has {{other.line1}} lines, and {{other.line2}} of them have no date of their own: they are stack traces that follow an error.",
          "It covers {{days.lines}} days:\n\n{{days.all}}\n\nOut of {{other.line1}} lines, {{other.line2}} don't begin with a date. Those are the tails of stack traces, so the split has to carry them along." }, v),
      },
      {
        id = "split",
        ask = kit.ask({ "Split it: $out/<day>.log. Traces stay with their entry. Leave the original alone.", "One file per day in $out, named like $first.log. A trace goes with the error above it. Don't touch $file." },
          { "Please create one file per day in $out, named after the day, for instance $first.log. The stack traces have to stay together with the error they belong to, and $file itself should not be altered.",
            "Those traces are what I was afraid of. Could you write one log per day into $out, called $first.log and so on, where each trace stays below its error? The original file must remain as it is." }, v),
        repair = kit.ask({ "The split failed, create $out and do it again." }, { "Something went wrong with the split. Could you make sure that $out exists and run it once more?" }, v),
        steps = {
          { id = "naive", tool = "exec", expect = "fail", arguments = { command = ("awk '{ print > \"%s/\" $1 \".log\" }' %s"):format(v.out, v.file) } },
          { id = "again", tool = "exec", why = "The folder was missing.", arguments = { command = ("mkdir -p %s && awk '{ print > \"%s/\" $1 \".log\" }' %s; ls %s"):format(v.out, v.out, v.file, v.out) } },
          { id = "redo", tool = "exec", why = "Trace lines ended up in files of their own, named after their first word. Start over and remember the day of the last dated line.",
            arguments = { command = ("rm -r %s && mkdir %s && awk '/^[0-9][0-9][0-9][0-9]-/ { day = $1 } { print > (\"%s/\" day \".log\") }' %s && wc -l %s/*.log"):format(v.out, v.out, v.out, v.file, v.out) } },
        },
        reply = kit.say({ "It took three attempts. First the folder was missing ({{naive.error}}); then I named files by the first word of every line, which put trace lines into files of their own. I removed that and now carry the day along:\n\n{{redo.all}}",
          "The daily logs are in $out:\n\n{{redo.all}}\n\nTwo things went wrong before: $out did not exist, and my first rule scattered the trace lines into extra files. Those are deleted, and a trace now follows its error." }, v),
      },
      {
        id = "errors",
        ask = kit.ask({ "Errors per day into $summary, as 'day count'.", "Now $summary: one line per day, date, space, number of ERROR entries." },
          { "Please count the ERROR entries per day and write them to $summary, one line per day with the date, a space and the number.",
            "For my weekly note I also need $summary with the number of ERROR entries of each day: date, one space, number, in order of date." }, v),
        steps = {
          { id = "count", tool = "exec", why = "Count the level column only; the word may also occur in messages.",
            arguments = { command = ("cd %s/daily && for f in *.log; do echo \"${f%%.log} $(awk '$3 == \"ERROR\"' \"$f\" | wc -l)\"; done > ../errors-per-day.txt; cat ../errors-per-day.txt"):format(base) } },
        },
        reply = kit.say({ "Written to $summary:\n\n{{count.all}}", "The errors per day, as saved in $summary:\n\n{{count.all}}" }, v),
      },
    },
    verify = {
      steps = {
        { id = "same", tool = "exec", arguments = { command = ("cat %s/*.log | cmp - %s && echo 'the daily files put together equal the original'"):format(v.out, v.file) } },
        { id = "sum", tool = "exec", arguments = { command = ("awk '{ n += $2 } END { print n }' %s; awk '$3 == \"ERROR\"' %s | wc -l"):format(v.summary, v.file) } },
      },
      reply = kit.say({ "For $app: {{same.stdout}}, and the counts add up to {{sum.line1}} errors, the whole log has {{sum.line2}}.", "Verified, {{same.stdout}}. {{sum.line1}} errors in the list, {{sum.line2}} in $file." }, v),
    },
  }
end

return task
