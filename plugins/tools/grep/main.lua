-- The workspace's own grep does the work; here its output is bounded and its silence explained.

local kit = require("@tool_kit")

local MOST_BYTES, LONGEST_LINE = 60000, 400

local function argv_of(args, path)
  local argv = { "grep", "-rIHnZ", "--color=never", "--exclude-dir=.git", args.fixed and "-F" or "-E" }
  local function add(...) for _, word in ipairs({ ... }) do argv[#argv + 1] = word end end
  if args.ignoreCase then add("-i") end
  if args.filesOnly then add("-l") end
  if args.context > 0 then add("-C", tostring(args.context)) end
  if args.include then add("--include=" .. args.include) end
  add("-e", args.pattern, "--", path)
  return argv
end

-- grep goes through directories as the file system has them. With -Z a file's name ends with a zero byte: the lines are sorted by
-- it, and stay in their order within a file.
local function sorted(output, filesOnly)
  local entries = {}
  if filesOnly then
    local from, stop = 1, output:find("\0", 1, true)
    while stop do
      local name = output:sub(from, stop - 1)
      entries[#entries + 1] = { name = name, lines = { name } }
      from, stop = stop + 1, output:find("\0", stop + 1, true)
    end
  else
    local entry
    for _, line in ipairs(kit.lines(output)) do
      local stop = line:find("\0", 1, true)
      local name, rest = stop and line:sub(1, stop - 1), stop and line:sub(stop + 1)
      if name and not (entry and entry.name == name) then
        entry = { name = name, lines = {} }
        entries[#entries + 1] = entry
      end
      if entry and name then entry.lines[#entry.lines + 1] = name .. ":" .. rest
      elseif entry then entry.lines[#entry.lines + 1] = line end
    end
  end
  table.sort(entries, function(a, b) return a.name < b.name end)
  local lines = {}
  for _, entry in ipairs(entries) do
    while entry.lines[#entry.lines] == "--" do entry.lines[#entry.lines] = nil end
    for _, line in ipairs(entry.lines) do lines[#lines + 1] = line end
  end
  return lines
end

local function run(args)
  local path = kit.path(args.path)
  if not ws.stat(path) then return kit.refuse("not_found", ("grep: %s does not exist"):format(path)) end
  local result = ws.exec(argv_of(args, path), { max_bytes = 4 * 1024 * 1024, timeout_ms = 60000 })
  if result.timed_out then return kit.refuse("timeout", "grep: it took longer than 60 s; search a smaller part") end
  if result.code ~= 0 and result.code ~= 1 and result.stdout == "" then
    return kit.refuse("grep_failed", kit.head(result.stderr:gsub("%s+$", ""), 2000), { exit_code = result.code })
  end
  local lines, bytes, left = {}, 0, 0
  for _, line in ipairs(sorted(result.stdout, args.filesOnly)) do
    line = line:gsub("^%./", "")
    if #line > LONGEST_LINE then line = kit.head(line, LONGEST_LINE) .. " [cut]" end
    if #lines < args.limit and bytes + #line < MOST_BYTES then
      lines[#lines + 1] = line
      bytes = bytes + #line + 1
    else
      left = left + 1
    end
  end
  if #lines == 0 then return { text = ("No match for %s in %s."):format(args.pattern, path), details = { matches = 0 } } end
  local note = left > 0 and ("\n[%d more lines; narrow the pattern or the path]"):format(left)
    or result.truncated and "\n[there was more; narrow the pattern or the path]" or ""
  return { text = table.concat(lines, "\n") .. note, details = { matches = #lines, left_out = left, truncated = left > 0 or result.truncated } }
end

return { run = run }
