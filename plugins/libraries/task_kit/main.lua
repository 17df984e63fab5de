-- Small helpers that the tasks share: seeded choices, names, and text building.

local kit = {}

function kit.int(low, high) return random.int(low, high) end

function kit.pick(list) return list[random.int(1, #list)] end

function kit.chance(percent) return random.int(1, 100) <= percent end

-- `count` different members, in a seeded order.
function kit.sample(list, count)
  local rest, out = {}, {}
  for i, value in ipairs(list) do rest[i] = value end
  for i = 1, math.min(count, #rest) do out[i] = table.remove(rest, random.int(1, #rest)) end
  return out
end

function kit.shuffled(list) return kit.sample(list, #list) end

function kit.lines(list) return table.concat(list, "\n") .. "\n" end

-- Replaces $name by values.name; an unknown name is an error, so that no text goes out with a hole in it.
function kit.fill(text, values)
  return (text:gsub("%$(%l[%w_]*)", function(name)
    local value = values[name]
    if value == nil then error("no value for $" .. name .. " in: " .. text) end
    return tostring(value)
  end))
end

-- One of several wordings, filled.
function kit.say(wordings, values) return kit.fill(kit.pick(wordings), values) end

-- What the user says: a short and a full form, each one of several wordings.
function kit.ask(brief, full, values)
  return { brief = kit.say(brief, values), full = kit.say(full, values) }
end

-- A field of a CSV file, quoted only where it must be (as Python's csv module does).
function kit.field(value)
  local text = tostring(value)
  if text:find('[,"\r\n]') then return '"' .. text:gsub('"', '""') .. '"' end
  return text
end

function kit.row(fields, separator)
  local out = {}
  for i, value in ipairs(fields) do out[i] = kit.field(value) end
  return table.concat(out, separator or ",")
end

-- 123456 -> "1234.56"
function kit.money(cents, point) return ("%d%s%02d"):format(cents // 100, point or ".", cents % 100) end

-- 1234567 -> "1,234,567"
function kit.grouped(number)
  local text, n = tostring(number), 1
  while n > 0 do text, n = text:gsub("^(%-?%d+)(%d%d%d)", "%1,%2") end
  return text
end

function kit.title(text) return (text:gsub("^%l", string.upper)) end

kit.people = {
  "Adaeze Okonkwo", "Mateus Ferreira", "Linnea Sandberg", "Ravi Subramanian", "Chiara Bellini", "Yusuf Demir", "Hana Kovacova",
  "Tomasz Wrona", "Ines Carvalho", "Kofi Mensah", "Mei-Ling Tan", "Oskar Nyman", "Fatima Zahra Idrissi", "Diego Paredes",
  "Sanne de Vries", "Anouk Lefebvre", "Jiho Park", "Priya Raman", "Lucia Moreno", "Viktor Petrov", "Nomvula Dlamini",
  "Thabo Nkosi", "Elif Aydin", "Rasmus Holm", "Camila Rojas", "Noor Haddad", "Bjarni Jonsson", "Aiko Matsuda", "Femi Adeyemi",
  "Greta Lindqvist", "Samir Khoury", "Paola Conti", "Wanjiru Kamau", "Dmitri Volkov", "Zofia Mazur", "Henrik Dahl",
}

kit.companies = {
  "Baltic Freight AS", "Harbour & Pine", "Kestrel Optics", "Sundara Textiles", "Nordlys Energi", "Casa Verde", "Okavango Foods",
  "Meridian Pumps", "Tanaka Bearings", "Alpenglas GmbH", "Rio Claro Coffee", "Lakeside Dental", "Orchard Lane Ltd", "Pacific Net Co",
  "Steppe Logistics", "Delta Feeds", "Quarry Hill Stone", "Bluefin Marine", "Atlas Print", "Juniper Care",
}

kit.cities = {
  "Porto", "Gdansk", "Nairobi", "Lima", "Busan", "Tampere", "Izmir", "Accra", "Bergen", "Quito", "Leeds", "Hanoi", "Turin", "Cork",
}

-- What a domain returns: `facts` (id, name, description) and the tasks of its modules, each of which says what it is and
-- has `make(kit, persona)`, which fills it with seeded values.
function kit.domain(facts, modules)
  local by_name, tasks = {}, {}
  for i, task in ipairs(modules) do
    by_name[task.name] = task
    tasks[i] = { id = task.id, name = task.name, description = task.description, tools = task.tools, skills = json.array(task.skills or {}) }
  end
  local function instantiate(name, persona, ctx)
    local task = by_name[name]
    if not task then return ctx.fail("unknown_task", ("%s has no task named %s"):format(facts.name, tostring(name))) end
    local instance = task.make(kit, persona)
    instance.task = name
    return instance
  end
  return { id = facts.id, name = facts.name, description = facts.description, tasks = tasks, instantiate = instantiate }
end

return kit
