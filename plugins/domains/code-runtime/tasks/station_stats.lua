-- Statistics over sensor readings. The export starts with a byte order mark and has gaps, which a first script trips over.

local task = {
  id = "110dce7b-4cb6-42e5-8a88-9be06e112adb",
  name = "Compute Figures From Readings",
  description = "Write a program that computes figures per group from a CSV file and leaves them as a JSON report.",
  tools = { "exec", "write", "edit" },
}

local script = [=[
import csv
import json
import pathlib

base = pathlib.Path(__file__).resolve().parent
values = {}
with (base / "readings.csv").open(newline="", encoding="utf-8") as handle:
    for row in csv.DictReader(handle):
        if row["quality"] != "ok":
            continue
        values.setdefault(row["station"], []).append(float(row["$unit"]))

report = {}
for station, numbers in sorted(values.items()):
    report[station] = {"count": len(numbers), "mean": round(sum(numbers) / len(numbers), 2), "max": max(numbers)}
(base / "stats.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
print(f"{len(report)} stations written")
]=]

local gap_old = '        if row["quality"] != "ok":\n'
local gap_new = '        if row["quality"] != "ok" or not row["$unit"].strip():\n'

local write_old = '(base / "stats.json").write_text('
local write_new = [=[report["above_limit"] = [name for name, figures in report.items() if figures["mean"] > $limit]
(base / "stats.json").write_text(]=]

local function build(kit, v, stations)
  local rows, figures = {}, {}
  for _, station in ipairs(stations) do
    -- Five or ten good values keep the mean exact at two decimals.
    local count, sum, max = kit.pick({ 5, 10 }), 0, 0
    local level = kit.int(v.low, v.high)
    for _ = 1, count do
      local tenths = level * 10 + kit.int(-60, 60)
      sum, max = sum + tenths, math.max(max, tenths)
      rows[#rows + 1] = { station, ("%d.%d"):format(tenths // 10, tenths % 10), "ok" }
    end
    for _ = 1, kit.int(0, 2) do rows[#rows + 1] = { station, ("%d.0"):format(kit.int(400, 900)), "suspect" } end
    figures[station] = { count = count, sum = sum, max = max }
  end
  rows = kit.shuffled(rows)
  -- A gap that is not marked as suspect, never in the first row.
  table.insert(rows, kit.int(3, #rows), { kit.pick(stations), "", "ok" })
  local lines = { "station," .. v.unit .. ",quality" }
  for i, row in ipairs(rows) do lines[i + 1] = table.concat(row, ",") end
  return "\u{FEFF}" .. kit.lines(lines), figures, #rows
end

function task.make(kit)
  local theme = kit.pick({
    { base = "river-gauges", unit = "level_cm", low = 60, high = 140 }, { base = "cold-store", unit = "temp_f", low = 30, high = 60 },
    { base = "noise-monitors", unit = "db", low = 45, high = 75 }, { base = "air-quality", unit = "pm10", low = 18, high = 60 },
  })
  local v = { unit = theme.unit, low = theme.low, high = theme.high, base = theme.base .. "-" .. kit.pick(kit.cities):lower() }
  local stations = kit.sample({ "A1", "A4", "B2", "B7", "C3", "D5", "E6", "F9" }, kit.int(3, 5))
  table.sort(stations)
  local data, figures, rows = build(kit, v, stations)
  v.rows, v.data, v.script, v.out = rows, v.base .. "/readings.csv", v.base .. "/stats.py", v.base .. "/stats.json"
  v.limit = (theme.low + theme.high) // 2 + kit.int(-3, 3)

  local goals, above = { { kind = "unchanged", path = v.data } }, {}
  for _, station in ipairs(stations) do
    local f = figures[station]
    local mean = f.sum * 10 // f.count -- hundredths, exact by construction
    local function goal(name, value) goals[#goals + 1] = { kind = "json_equals", path = v.out, pointer = ("/%s/%s"):format(station, name), value = value } end
    goal("count", f.count)
    goal("mean", tonumber(kit.money(mean)))
    goal("max", tonumber(("%d.%d"):format(f.max // 10, f.max % 10)))
    if mean > v.limit * 100 then above[#above + 1] = station end
  end
  goals[#goals + 1] = { kind = "json_equals", path = v.out, pointer = "/above_limit", value = json.array(above) }
  goals[#goals + 1] = { kind = "command", argv = { "python3", v.script }, exit_code = 0, stdout_contains = "stations written" }

  return {
    values = { data = v.data, output = v.out, limit = v.limit },
    request = kit.say({
      "write a script that turns $data into count, mean and maximum per station in $out, naming stations whose mean is above $limit",
      "compute count, mean and max of each station from $data into $out and list the stations with a mean over $limit",
    }, v),
    fixture = { files = { [v.data] = data } },
    goals = goals,
    stages = {
      {
        id = "look",
        ask = kit.ask({ "What does $data look like? Columns, rows, how many are marked suspect.", "Profile $data: header, row count, quality values." },
          { "I have measurements of several stations in $data. Before we compute anything, could you tell me which columns there are, how many rows, and how many of them are marked as suspect?",
            "Our loggers export to $data and I would like some statistics from it. Could you have a first look and describe the columns, the number of rows and what is in the quality column?" }, v),
        steps = {
          { id = "head", tool = "exec", arguments = { command = "head -n 4 " .. v.data } },
          { id = "quality", tool = "exec", together = true, arguments = { command = ("tail -n +2 %s | cut -d, -f3 | sort | uniq -c"):format(v.data) } },
          { id = "rows", tool = "exec", together = true, arguments = { command = ("tail -n +2 %s | wc -l"):format(v.data) } },
        },
        reply = kit.say({ "{{rows.stdout}} rows of data; it begins like this:\n\n{{head.all}}\n\nThe quality column has:\n{{quality.all}}", "Header and first rows:\n\n{{head.all}}\n\n{{rows.stdout}} rows in total, by quality:\n{{quality.all}}" }, v),
      },
      {
        id = "compute",
        ask = kit.ask({ "Write $script: per station count, mean (2 decimals), max. Only quality ok, skip gaps. Output $out.", "Need $script -> $out with count, mean rounded to 2, max per station. Ignore suspect rows and blanks." },
          { "Please write a script, $script, that computes for each station the number of values, the mean rounded to two decimals and the maximum, and saves it as JSON in $out. Rows that are marked suspect should be left out, and I think that there are a few empty values as well, those don't count either.",
            "Now the actual figures: a script named $script should write $out, where each station has a count, a mean with two decimals and a max. Only rows with quality ok are to be used. If a value is missing the row should simply be skipped." }, v),
        repair = kit.ask({ "It still errors out. Check the raw header and the blanks." }, { "The script still stops with an error. Maybe there is something strange in the header or an empty value, could you check?" }, v),
        steps = {
          { id = "write", tool = "write", arguments = { path = v.script, content = kit.fill(script, v) } },
          { id = "run1", tool = "exec", expect = "fail", arguments = { command = "python3 " .. v.script } },
          { id = "bytes", tool = "exec", why = "The header looked right on screen, so look at its bytes.", arguments = { command = ("head -c 12 %s | od -An -tx1c"):format(v.data) } },
          { id = "bom", tool = "edit", why = "A byte order mark sticks to the first column name. utf-8-sig takes it off.",
            arguments = { path = v.script, oldText = 'newline="", encoding="utf-8")', newText = 'newline="", encoding="utf-8-sig")' } },
          { id = "run2", tool = "exec", expect = "fail", arguments = { command = "python3 " .. v.script } },
          { id = "gap", tool = "edit", why = "One of the empty values; skip those rows as agreed.", arguments = { path = v.script, oldText = gap_old, newText = kit.fill(gap_new, v) } },
          { id = "run3", tool = "exec", arguments = { command = ("python3 %s && cat %s"):format(v.script, v.out) } },
        },
        reply = kit.say({ "Two surprises on the way. {{run1.error}}: the file begins with an invisible byte order mark. Then {{run2.error}}, from an empty value. Both are handled, and $out holds:\n\n{{run3.all}}",
          "$out is written by $script:\n\n{{run3.all}}\n\nThe first run stopped at {{run1.error}} because of a byte order mark in front of the header, the second at {{run2.error}} because of a gap." }, v),
      },
      {
        id = "limit",
        ask = kit.ask({ "Add a top-level list above_limit with the stations whose mean exceeds $limit.", "Extend it: key above_limit, names of stations with mean > $limit." },
          { "Next I need to know which stations are too high. Please add a list named above_limit at the top level of the JSON with the names of all stations whose mean is greater than $limit, in alphabetical order.",
            "The authority asks for exceedances. Could you extend the script, so that $out also has a list above_limit with the stations whose mean lies above $limit?" }, v),
        steps = {
          { id = "edit", tool = "edit", arguments = { path = v.script, oldText = write_old, newText = kit.fill(write_new, v) } },
          { id = "run", tool = "exec", arguments = { command = "python3 " .. v.script } },
          { id = "list", tool = "exec", arguments = { command = ("python3 -c \"import json; print(', '.join(json.load(open('%s'))['above_limit']) or 'none')\""):format(v.out) } },
        },
        reply = kit.say({ "above_limit is in $out. Over $limit: {{list.stdout}}.", "Extended and run again ({{run.stdout}}). Stations with a mean over $limit: {{list.stdout}}." }, v),
      },
    },
    verify = {
      steps = {
        { id = "awk", tool = "exec", why = "An independent count with another tool.",
          arguments = { command = ("awk -F, 'NR > 1 && $3 == \"ok\" && $2 != \"\" { n[$1]++; s[$1] += $2 } END { for (k in n) printf \"%%s %%d %%.2f\\n\", k, n[k], s[k] / n[k] }' %s | sort"):format(v.data) } },
        { id = "json", tool = "exec", arguments = { command = ("python3 -m json.tool --compact %s"):format(v.out) } },
      },
      reply = kit.say({ "Recomputed with awk for $base:\n{{awk.all}}\nThe JSON says the same: {{json.stdout}}", "An independent count with awk agrees with $out:\n{{awk.all}}" }, v),
    },
  }
end

return task
