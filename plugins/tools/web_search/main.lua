local kit = require("@tool_kit")

local codes = { E_UNAVAILABLE = "no_provider", E_UNSUPPORTED = "unsupported", E_HTTP = "failed", E_REFUSED = "refused" }

local function run(args)
  local answer, refusal = kit.ask(codes, "web_search", web.search, args)
  if not answer then return refusal end
  local lines = {}
  for i, result in ipairs(answer.results) do
    lines[#lines + 1] = ("%d. %s\n   %s%s\n   %s"):format(i, kit.squeeze(result.title), result.url,
      result.published and (" (%s)"):format(result.published) or "", kit.head(kit.squeeze(result.snippet or ""), 600))
  end
  if #lines == 0 then return { text = ("No results for %s."):format(args.query), details = { provider = answer.provider, results = json.array({}) } } end
  local text, id = kit.untrusted(table.concat(lines, "\n\n"), "Web Search")
  return { text = text, details = { provider = answer.provider, results = answer.results, id = id } }
end

return { run = run }
