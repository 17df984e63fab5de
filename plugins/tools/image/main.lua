-- A vision model of the run looks; without one there is no answer.

local kit = require("@tool_kit")

local function load(path, most)
  local there = ws.stat(path)
  if not there then return nil, "not_found", ("%s does not exist"):format(path) end
  if there.kind == "directory" then return nil, "is_directory", ("%s is a directory"):format(path) end
  if there.size > most then return nil, "too_big", ("%s has %d bytes, more than %d"):format(path, there.size, most) end
  local mime = kit.image_type(ws.read(path, { max_bytes = 10 << 20 }))
  if not mime then return nil, "unsupported_content", ("%s is no png, jpeg, gif or webp image"):format(path) end
  return { type = "image_url", image_url = { url = ("data:%s;base64,%s"):format(mime, ws.read(path, { encoding = "base64", max_bytes = 10 << 20 })) } }
end

local function paths_of(args)
  local paths = {}
  if args.image and args.image ~= "" then paths[1] = kit.path(args.image) end
  for _, path in ipairs(args.images or {}) do paths[#paths + 1] = kit.path(path) end
  return paths
end

local function run(args)
  local paths = paths_of(args)
  if #paths == 0 then return kit.refuse("invalid_args", "image: name an image, with image or images") end
  if #paths > args.maxImages then return kit.refuse("invalid_args", ("image: %d images, at most %d"):format(#paths, args.maxImages)) end
  if args.model and args.model ~= "" then return kit.refuse("unsupported", "image: the model cannot be changed; the run decides which one looks") end
  local content = { { type = "text", text = args.prompt } }
  for _, path in ipairs(paths) do
    if path:find("^https?:") then return kit.refuse("unsupported", "image: fetch the image into the workspace first") end
    local part, code, why = load(path, math.floor(args.maxBytesMb * 1024 * 1024))
    if not part then return kit.refuse(code, "image: " .. why) end
    content[#content + 1] = part
  end
  local ok, answer = pcall(chat, { messages = { { role = "user", content = content } }, max_tokens = 2048 })
  if not ok then
    local code, message = kit.host_error(answer)
    if code == "E_UNAVAILABLE" then return kit.refuse("no_model", "image: this run has no vision model") end
    if code == "E_MODEL" then return kit.refuse("failed", "image: " .. message) end
    error(answer, 0)
  end
  local text = answer.message and answer.message.content
  if type(text) ~= "string" or not text:find("%S") then return kit.refuse("failed", "image: the vision model gave no answer") end
  return { text = text, details = { images = #paths } }
end

return { run = run }
