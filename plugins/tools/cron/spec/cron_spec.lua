local t = require("@test")

local NOW = 1772355600 -- 2026-03-01T09:00:00Z

t.describe("cron", function()
  local function entry(more)
    local e = { id = "cron-1", name = "check", text = "Look.", isolated = false, enabled = true, runs = 0, next = NOW + 60, every_ms = 60000 }
    for key, value in pairs(more or {}) do e[key] = value end
    return e
  end
  local function add(job)
    local asked
    local result = t.run({ action = "add", job = job }, { now = NOW, host = { ["schedule.add"] = function(request)
      asked = request
      return entry()
    end } })
    return asked, result
  end

  t.it("adds an interval", function()
    local asked, result = add({ name = "check", schedule = { kind = "every", everyMs = 60000 }, payload = { kind = "systemEvent", text = "Look." } })
    t.same(asked, { name = "check", every_ms = 60000, text = "Look." })
    t.equal(result.text, 'Scheduled cron-1 "check": every 60 s; next 2026-03-01T09:01:00Z; ran 0 times: Look.')
  end)

  t.it("reads times: from now, with a zone, in milliseconds", function()
    local function at(value) return add({ schedule = { kind = "at", at = value }, payload = { text = "x" } }).at_ms end
    t.equal(at("+10m"), (NOW + 600) * 1000)
    t.equal(at("90s"), (NOW + 90) * 1000)
    t.equal(at("2026-03-01T10:00:00Z"), (NOW + 3600) * 1000)
    t.equal(at("2026-03-01T12:00:00+02:00"), (NOW + 3600) * 1000)
    t.equal(at((NOW + 5) * 1000), (NOW + 5) * 1000)
    t.fails_with("invalid_schedule", t.run({ action = "add", job = { schedule = { kind = "at", at = "soon" }, payload = { text = "x" } } }, { now = NOW }))
  end)

  t.it("passes an expression on with its offset, and an isolated turn", function()
    local asked = add({ schedule = { kind = "cron", expr = "0 9 * * 1-5", tz = "+02:00" }, sessionTarget = "isolated", payload = { kind = "agentTurn", message = "Report." } })
    t.same(asked, { cron = "0 9 * * 1-5", utc_offset_minutes = 120, isolated = true, text = "Report." })
    t.fails_with("invalid_schedule", t.run({ action = "add", job = { schedule = { kind = "cron", expr = "* * * * *", tz = "Europe/Paris" }, payload = { text = "x" } } }, { now = NOW }))
  end)

  t.it("lists, and leaves out what is disabled", function()
    local host = { ["schedule.list"] = { entries = { entry(), entry({ id = "cron-2", enabled = false }) }, runs = { { id = "cron-1", time = NOW, forced = true } } } }
    t.equal(#t.run({ action = "list" }, { now = NOW, host = host }).details.entries, 1)
    t.contains(t.run({ action = "list", includeDisabled = true }, { now = NOW, host = host }).text, "cron-2 \"check\": every 60 s; disabled")
    t.equal(t.run({ action = "runs" }, { now = NOW, host = host }).text, "cron-1 at 2026-03-01T09:00:00Z (by hand)")
    t.equal(t.run({ action = "status" }, { now = NOW, host = host }).text, "2 entries; it is 2026-03-01T09:00:00Z.")
  end)

  t.it("changes, runs and removes", function()
    local asked
    local host = {
      ["schedule.update"] = function(request) asked = request return entry({ enabled = false }) end,
      ["schedule.run"] = function() return entry() end, ["schedule.remove"] = function() return { id = "cron-1", removed = true } end,
    }
    t.run({ action = "update", jobId = "cron-1", patch = { enabled = false } }, { host = host })
    t.same(asked, { id = "cron-1", enabled = false })
    t.contains(t.run({ action = "run", id = "cron-1" }, { host = host }).text, "cron-1 runs now")
    t.equal(t.run({ action = "remove", jobId = "cron-1" }, { host = host }).text, "Removed cron-1.")
  end)

  t.it("says what is missing", function()
    t.fails_with("invalid_args", t.run({ action = "add" }))
    t.fails_with("invalid_args", t.run({ action = "run" }))
    t.fails_with("invalid_args", t.run({ action = "wake" }))
    t.fails_with("not_found", t.run({ action = "remove", jobId = "x" }, { host = { ["schedule.remove"] = { error = "E_NOENTRY", message = "none" } } }))
    t.fails_with("invalid_schedule", t.run({ action = "add", job = { payload = { text = "x" } } }, { host = { ["schedule.add"] = { error = "E_SCHEDULE", message = "say when" } } }))
  end)
end)
