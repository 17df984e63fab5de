local kit = require("@tool_kit")

local function run(args)
  local found = memory.search({ query = args.query, max_results = args.maxResults, min_score = args.minScore })
  if #found.files == 0 then
    return { text = "There are no memory files: neither MEMORY.md nor memory/*.md.", details = { results = json.array({}), files = json.array({}) } }
  end
  local parts = {}
  for _, result in ipairs(found.results) do
    parts[#parts + 1] = ("%s, lines %d-%d, score %.2f\n%s"):format(result.path, result.from, result.to, result.score, kit.shorten(result.text, 1500))
  end
  local text = #parts > 0 and table.concat(parts, "\n\n")
    or ("Nothing about %s in %s."):format(args.query, kit.plural(#found.files, "memory file"))
  return { text = text, details = { results = found.results, files = found.files, mode = found.mode } }
end

return { run = run }
