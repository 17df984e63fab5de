local kit = require("@tool_kit")

local marks = { directory = "/", link = "@" }

local function run(args)
  local path = kit.path(args.path)
  local there = ws.stat(path)
  if not there then return kit.refuse("not_found", ("list: %s does not exist"):format(path)) end
  if there.kind ~= "directory" then return kit.refuse("not_directory", ("list: %s is a %s, not a directory"):format(path, there.kind)) end
  local listing = ws.list(path, { recursive = args.recursive, max = args.limit })
  local lines = {}
  for _, entry in ipairs(listing.entries) do
    lines[#lines + 1] = entry.kind == "file" and ("%s  %d"):format(entry.path, entry.size) or entry.path .. (marks[entry.kind] or "")
  end
  if listing.truncated then lines[#lines + 1] = ("[more than %d entries; look into a directory below, or raise limit]"):format(#listing.entries) end
  return { text = #lines > 0 and table.concat(lines, "\n") or "(empty)", details = { entries = #listing.entries, truncated = listing.truncated } }
end

return { run = run }
