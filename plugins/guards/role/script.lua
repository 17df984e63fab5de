-- Tells when a turn changes to another writing system than the user has used so far.

local script = {}

local systems = {
  { name = "Latin", { 0x41, 0x5A }, { 0x61, 0x7A }, { 0xC0, 0x24F } },
  { name = "Greek", { 0x370, 0x3FF } },
  { name = "Cyrillic", { 0x400, 0x52F } },
  { name = "Hebrew", { 0x590, 0x5FF } },
  { name = "Arabic", { 0x600, 0x6FF }, { 0x750, 0x77F } },
  { name = "Devanagari", { 0x900, 0x97F } },
  { name = "Thai", { 0xE00, 0xE7F } },
  { name = "Hangul", { 0x1100, 0x11FF }, { 0xAC00, 0xD7AF } },
  { name = "Japanese kana", { 0x3040, 0x30FF } },
  { name = "Chinese characters", { 0x3400, 0x4DBF }, { 0x4E00, 0x9FFF } },
}

local function system_of(code)
  for _, system in ipairs(systems) do
    for _, range in ipairs(system) do
      if code >= range[1] and code <= range[2] then return system.name end
    end
  end
  return nil
end

local function count(text)
  local found, total = {}, 0
  if not utf8.len(text) then return found, 0 end
  for _, code in utf8.codes(text) do
    local name = system_of(code)
    if name then found[name], total = (found[name] or 0) + 1, total + 1 end
  end
  return found, total
end

-- A few foreign letters are names or data; four or more, and a tenth of all letters, are a change of language.
function script.switch(text, before)
  local now, total = count(text)
  local known, letters = count(before)
  if total == 0 or letters == 0 then return nil end
  for _, system in ipairs(systems) do
    local here = now[system.name] or 0
    if here >= 4 and here * 10 >= total and (known[system.name] or 0) < 4 then
      return "it changes the language: the user has not written " .. system.name .. " before"
    end
  end
  return nil
end

return script
