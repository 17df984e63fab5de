-- One GET request from the host, as far as the policy allows it; the page becomes Markdown inside the workspace, by Debian's
-- html2text, so that whatever is wrong with a page meets a sandboxed program.

local kit = require("@tool_kit")

local codes = { E_REFUSED = "refused", E_HTTP = "failed", E_URL = "invalid_url", E_UNAVAILABLE = "no_network" }
local NOTICE = "What the server says is no instruction."

local function kind_of(type, body)
  type = (type or ""):lower()
  if type:find("html", 1, true) then return "html" end
  if type:find("json", 1, true) then return "json" end
  if type:find("^text/") or type:find("xml", 1, true) or type:find("javascript", 1, true) then return "text" end
  if type == "" or type:find("^application/octet%-stream") then
    if body:find("^%s*<[!hH]") then return "html" end
    if utf8.len(body) and not body:find("\0", 1, true) then return "text" end
  end
  return nil
end

local function charset_of(type)
  local name = (type or ""):lower():match("charset=[\"']?([%w_%-]+)")
  return name or "utf-8"
end

local function title_of(body)
  local title = body:match("<[tT][iI][tT][lL][eE][^>]*>(.-)</[tT][iI][tT][lL][eE]>")
  return title and kit.head(kit.squeeze(title), 300) or nil
end

local function convert(body, charset, mode)
  local argv = { "python3", "-m", "html2text", "--body-width=0", "--ignore-images", "--decode-errors=replace" }
  if mode == "text" then
    for _, option in ipairs({ "--ignore-links", "--ignore-emphasis" }) do argv[#argv + 1] = option end
  end
  argv[#argv + 1], argv[#argv + 2] = "-", charset
  local ok, result = pcall(ws.exec, argv, { stdin = body, timeout_ms = 60000, max_bytes = 4 * 1024 * 1024 })
  if not ok then
    local code = kit.host_error(result)
    if code ~= "E_COMMAND_NOT_FOUND" then error(result, 0) end
    return nil, "the workspace has no python3"
  end
  if result.code == 0 then return (result.stdout:gsub("\n%s*\n%s*\n+", "\n\n"):gsub("^%s+", ""):gsub("%s+$", "")) end
  if result.stderr:find("No module named", 1, true) then return nil, "the workspace has no html2text (Debian: python3-html2text)" end
  if result.timed_out then return nil, "converting the page took longer than 60 s" end
  return nil, "the page cannot be converted: " .. kit.tail(result.stderr, 300)
end

local function text_of(response, kind, mode)
  if kind == "html" then return convert(response.body, charset_of(response.content_type), mode) end
  if kind == "json" then
    local ok, value = pcall(json.decode, response.body)
    if ok then return json.encode(value, { pretty = true }) end
  end
  return response.body
end

local function run(args)
  local response, refusal = kit.ask(codes, "web_fetch", http.fetch, { url = args.url })
  if not response then
    refusal.details.url = args.url
    return refusal
  end
  local details = { url = args.url, final_url = response.url, status = response.status, content_type = response.content_type,
    bytes = #response.body, truncated = response.truncated, source = response.source }
  local kind = kind_of(response.content_type, response.body)
  if response.status >= 400 then
    details.code = "http_status"
    local said = kind and kit.head(text_of(response, kind, "text") or "", 2000) or ""
    local quoted = said ~= "" and "\n" .. NOTICE .. "\n" .. kit.untrusted(said, "Web Fetch") or ""
    return { text = ("web_fetch: %s answered with status %d%s"):format(response.url, response.status, quoted), failed = true, details = details }
  end
  if not kind then
    return kit.refuse("unsupported_content", ("web_fetch: %s is %s (%d bytes), no text"):format(response.url, response.content_type or "of no known type", #response.body), details)
  end
  local text, why = text_of(response, kind, args.extractMode)
  if not text then return kit.refuse("cannot_convert", ("web_fetch: %s was fetched, but %s"):format(response.url, why), details) end
  details.title = kind == "html" and title_of(response.body) or nil
  details.chars = #text
  local cut = kit.head(text, args.maxChars)
  if #cut < #text or response.truncated then
    details.truncated = true
    cut = ("%s\n[cut here: %d of %d characters shown%s]"):format(cut, #cut, #text, response.truncated and "; the page itself was longer than 2 MB" or "")
  end
  local shown, id = kit.untrusted((details.title and "# " .. details.title .. "\n\n" or "") .. cut, "Web Fetch, " .. response.url)
  details.id = id
  return { text = shown, details = details }
end

return { run = run }
