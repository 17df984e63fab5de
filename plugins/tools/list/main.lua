local kit = require("@tool_kit")

local MOST = 20000
local marks = { directory = "/", link = "@" }

local function run(args)
  local path = kit.path(args.path)
  local there = ws.stat(path)
  if not there then return kit.refuse("not_found", ("list: %s does not exist"):format(path)) end
  if there.kind ~= "directory" then return kit.refuse("not_directory", ("list: %s is a %s, not a directory"):format(path, there.kind)) end
  -- What a bounded listing leaves out is up to the file system: so the bound is put on the sorted whole.
  local listing = ws.list(path, { recursive = args.recursive, max = MOST })
  local lines = {}
  for i = 1, math.min(#listing.entries, args.limit) do
    local entry = listing.entries[i]
    lines[i] = entry.kind == "file" and ("%s  %d"):format(entry.path, entry.size) or entry.path .. (marks[entry.kind] or "")
  end
  local shown = #lines
  local truncated = listing.truncated or #listing.entries > shown
  if truncated then lines[#lines + 1] = ("[more than %d entries; look into a directory below, or raise limit]"):format(shown) end
  return { text = #lines > 0 and table.concat(lines, "\n") or "(empty)", details = { entries = shown, truncated = truncated } }
end

return { run = run }
