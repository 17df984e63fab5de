local t = require("@test")

t.describe("web_fetch", function()
  local function answer(more)
    local response = { status = 200, url = "https://h.example/", body = "", truncated = false, redirects = 0, source = "web", content_type = "text/plain" }
    for key, value in pairs(more) do response[key] = value end
    return function() return response end
  end
  local function run(arguments, fetch, exec)
    arguments.url = arguments.url or "https://h.example/"
    return t.run(arguments, { ws = t.workspace({ exec = exec or {} }), host = { ["http.fetch"] = fetch } })
  end

  t.it("gives a text as it is, marked", function()
    local result = run({}, answer({ body = "High water at 7:40" }))
    t.matches(result.text, '^<<<EXTERNAL_UNTRUSTED_CONTENT id="%x+">>>\nSource: Web Fetch, https://h.example/\n%-%-%-\nHigh water at 7:40\n')
    t.equal(result.details.status, 200)
  end)

  t.it("turns a page into Markdown inside the workspace", function()
    local page = "<html><head><title>Tide</title></head><body><h1>Tides</h1><p>At <b>7:40</b></p></body></html>"
    local result = run({}, answer({ body = page, content_type = "text/html; charset=iso-8859-1" }), function(request)
      t.equal(request.stdin, page)
      t.equal(request.argv[#request.argv], "iso-8859-1")
      return "# Tides\n\nAt **7:40**\n"
    end)
    t.contains(result.text, "# Tide\n\n# Tides\n\nAt **7:40**")
    t.equal(result.details.title, "Tide")
  end)

  t.it("prints JSON for reading", function()
    t.contains(run({}, answer({ body = '{"b":1,"a":[2]}', content_type = "application/json" })).text, '"a": [')
  end)

  t.it("cuts at a character and says so", function()
    local result = run({ maxChars = 100 }, answer({ body = ("ü"):rep(200) }))
    t.contains(result.text, "[cut here: 100 of 400 characters shown]")
    t.is_true(result.details.truncated)
    t.is_true(utf8.len(result.text) ~= nil)
  end)

  t.it("takes an error page for a failure", function()
    local result = run({}, answer({ status = 404, body = "not here" }))
    t.fails_with("http_status", result)
    t.contains(result.text, "answered with status 404")
  end)

  t.it("refuses what is no text, and what it may not fetch", function()
    t.fails_with("unsupported_content", run({}, answer({ body = "\0\1", content_type = "image/png" })))
    t.fails_with("refused", run({}, { error = "E_REFUSED", message = "no rule of the allow-list names it" }))
    t.fails_with("failed", run({}, { error = "E_HTTP", message = "timeout" }))
    t.fails_with("invalid_url", run({ url = "ftp://x" }, { error = "E_URL", message = "only http" }))
  end)

  t.it("draws a new mark for each call", function()
    local ws = t.workspace()
    local one = t.run({ url = "https://h.example/" }, { ws = ws, host = { ["http.fetch"] = answer({ body = "x" }) } })
    local two = t.run({ url = "https://h.example/" }, { ws = ws, host = { ["http.fetch"] = answer({ body = "x" }) } })
    t.is_true(one.details.id ~= two.details.id)
  end)
end)
