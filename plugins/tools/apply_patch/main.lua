-- Applies a patch: all of it is worked out in memory first, so that a patch that does not fit changes nothing.

local kit = require("@tool_kit")
local parse = require("parse")
local place = require("place")

local MAX_FILE = 8 * 1024 * 1024

local function refuse(code, text, details)
  return kit.refuse(code, "apply_patch: " .. text .. "; nothing was changed", details)
end

local function stop(code, text, details)
  error({ code = code, text = text, details = details }, 0)
end

-- What files hold as the patch goes on; nothing is written yet.
local function new_world()
  local world = { files = {}, order = {} }

  function world:file(path)
    local file = self.files[path]
    if file then return file end
    local status = ws.stat(path)
    if status and status.kind == "directory" then stop("is_directory", ("%s is a directory"):format(path)) end
    if status and status.size > MAX_FILE then stop("too_big", ("%s has %d bytes, more than %d"):format(path, status.size, MAX_FILE)) end
    local text = status and ws.read(path, { max_bytes = MAX_FILE }) or nil
    file = { path = path, before = text, text = text, mode = status and status.kind == "file" and status.mode or nil }
    self.files[path] = file
    self.order[#self.order + 1] = file
    return file
  end

  return world
end

-- Lines without their ends; how they end, and whether the last one does, is kept.
local function open_lines(text)
  local crlf = text:find("\r\n", 1, true) ~= nil and not text:find("[^\r]\n")
  local plain = crlf and text:gsub("\r\n", "\n") or text
  return kit.lines(plain), { crlf = crlf, ended = text == "" or text:sub(-1) == "\n" }
end

local function close_lines(lines, shape)
  if #lines == 0 then return "" end
  local ending = shape.crlf and "\r\n" or "\n"
  return table.concat(lines, ending) .. (shape.ended and ending or "")
end

local function update(section, file)
  local lines, shape = open_lines(file.text)
  local from = 1
  for _, hunk in ipairs(section.hunks) do
    local touches_end = #hunk.old == 0 and #hunk.headers == 0
    local after, why = place(lines, hunk, from)
    if not after then
      stop("hunk_failed", ("hunk %d of %d in %s (line %d of the patch) does not fit: %s")
        :format(hunk.number, #section.hunks, section.path, hunk.line, why),
        { path = section.path, hunk = hunk.number, patch_line = hunk.line })
    end
    -- Lines added behind a last line without a line break get one.
    if touches_end or after > #lines then shape.ended = shape.ended or hunk.ops[#hunk.ops].mark == "+" end
    from = after
  end
  return close_lines(lines, shape)
end

local apply = {}

function apply.add(section, world)
  local file = world:file(kit.path(section.path))
  if file.text then stop("exists", ("%s cannot be added: it exists; use *** Update File"):format(section.path)) end
  file.text = #section.lines > 0 and table.concat(section.lines, "\n") .. "\n" or ""
  return "A " .. section.path
end

local function existing(section, world)
  local file = world:file(kit.path(section.path))
  if not file.text then stop("not_found", ("%s does not exist (line %d of the patch)"):format(section.path, section.line)) end
  return file
end

function apply.delete(section, world)
  existing(section, world).text = nil
  return "D " .. section.path
end

function apply.update(section, world)
  local file = existing(section, world)
  local text = update(section, file)
  if not section.to or kit.path(section.to) == file.path then
    file.text = text
    return "M " .. section.path
  end
  local target = world:file(kit.path(section.to))
  if target.text then stop("exists", ("%s cannot be moved to %s: that exists"):format(section.path, section.to)) end
  target.text, target.mode, file.text = text, file.mode, nil
  return ("R %s -> %s"):format(section.path, section.to)
end

local function write(file)
  if file.text == nil then
    if file.before ~= nil then ws.remove(file.path) end
  elseif file.text ~= file.before then
    ws.write(file.path, file.text, { mode = file.mode })
  end
end

-- A write that fails on the way takes back those before it.
local function commit(world)
  for index, file in ipairs(world.order) do
    local ok, problem = pcall(write, file)
    if not ok then
      for back = index - 1, 1, -1 do
        local done = world.order[back]
        pcall(write, { path = done.path, text = done.before, before = done.text, mode = done.mode })
      end
      local reason = type(problem) == "table" and problem.message or tostring(problem)
      stop("write_failed", ("%s cannot be written: %s"):format(file.path, tostring(reason)))
    end
  end
end

local function run(args)
  local ok, sections = pcall(parse, args.input)
  if not ok then
    if type(sections) ~= "table" or not sections.line then error(sections, 0) end
    return refuse("invalid_patch", ("the patch cannot be read at its line %d: %s"):format(sections.line, sections.text), { patch_line = sections.line })
  end
  local world, done = new_world(), json.array({})
  local worked, problem = pcall(function()
    for _, section in ipairs(sections) do done[#done + 1] = apply[section.kind](section, world) end
    commit(world)
  end)
  if not worked then
    if type(problem) ~= "table" or not problem.text then error(problem, 0) end
    return refuse(problem.code, problem.text, problem.details)
  end
  return { text = "Done. Changed:\n" .. table.concat(done, "\n"), details = { changes = done } }
end

return { run = run }
