-- Writes a whole file. An existing file keeps its mode, so that a script stays executable.

local kit = require("@tool_kit")

local function run(args)
  local path = kit.path(args.path)
  local before = ws.stat(path)
  if path:sub(-1) == "/" or (before and before.kind == "directory") then
    return kit.refuse("is_directory", ("write: %s is a directory; give the path of a file"):format(path))
  end
  ws.write(path, args.content, { mode = before and before.kind == "file" and before.mode or nil })
  local breaks = select(2, args.content:gsub("\n", ""))
  local lines = (args.content == "" or args.content:sub(-1) == "\n") and breaks or breaks + 1
  local verb = before and "Replaced" or "Created"
  return {
    text = ("%s %s (%s, %s)"):format(verb, path, kit.plural(lines, "line"), kit.plural(#args.content, "byte")),
    details = { path = path, bytes = #args.content, created = before == nil },
  }
end

return { run = run }
