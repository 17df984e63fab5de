-- Nested orders, one JSON object a line, become a flat table. Some lines are cut off, some customers have no city.

local task = {
  id = "8248a8f8-f208-444b-8361-9d62d0fb8c9b",
  name = "Convert Nested Data",
  description = "Turn nested JSON lines into a flat CSV table with a program, keeping unreadable lines aside instead of losing them.",
  tools = { "exec", "write", "edit" },
}

local script = [=[
import csv
import json
import pathlib

base = pathlib.Path(__file__).resolve().parent
rows = []
with (base / "orders.jsonl").open(encoding="utf-8") as lines:
    for number, line in enumerate(lines, 1):
        order = json.loads(line)
        who = order["customer"]
        for item in order["items"]:
            rows.append([order["id"], who["name"], who["city"], item["sku"], item["qty"], f"{item['cents'] / 100:.2f}"])

with (base / "items.csv").open("w", newline="", encoding="utf-8") as out:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["order", "customer", "city", "sku", "qty", "price"])
    writer.writerows(rows)
print(f"{len(rows)} items")
]=]

local load_old = '        order = json.loads(line)\n'
local load_new = [=[        try:
            order = json.loads(line)
        except json.JSONDecodeError:
            rejects.append(f"{number}: {line.rstrip()}")
            continue
]=]
local end_old = 'print(f"{len(rows)} items")\n'
local end_new = [=[(base / "rejects.txt").write_text("".join(f"{line}\n" for line in rejects), encoding="utf-8")
print(f"{len(rows)} items, {len(rejects)} rejected lines")
]=]

local function json_order(order)
  local items = {}
  for i, item in ipairs(order.items) do items[i] = ('{"sku": "%s", "qty": %d, "cents": %d}'):format(item.sku, item.qty, item.cents) end
  local who = order.city and ('{"name": "%s", "city": "%s"}'):format(order.name, order.city) or ('{"name": "%s"}'):format(order.name)
  return ('{"id": "%s", "customer": %s, "items": [%s]}'):format(order.id, who, table.concat(items, ", "))
end

local function build(kit)
  local count = kit.int(8, 13)
  local cut, homeless = kit.int(3, 5), kit.int(6, count - 1)
  local also_cut = kit.chance(50) and count or nil
  local lines, table_rows, rejects, per_city = {}, { "order,customer,city,sku,qty,price" }, {}, {}
  local cities = kit.sample(kit.cities, 3)
  local items, revenue = 0, 0
  for i = 1, count do
    local order = { id = ("SO-%d"):format(4000 + i * kit.int(1, 3) + i), name = kit.pick(kit.companies), items = {} }
    if i ~= homeless then order.city = kit.pick(cities) end
    for k = 1, kit.int(1, 3) do
      order.items[k] = { sku = ("%s-%03d"):format(kit.pick({ "BX", "LT", "QR", "VN" }), kit.int(1, 400)), qty = kit.int(1, 24), cents = kit.int(95, 64900) }
    end
    local text = json_order(order)
    if i == cut or i == also_cut then
      text = text:sub(1, #text - kit.int(8, 30)):gsub("%s+$", "")
      rejects[#rejects + 1] = i .. ": " .. text
    else
      for _, item in ipairs(order.items) do
        table_rows[#table_rows + 1] = kit.row({ order.id, order.name, order.city or "", item.sku, item.qty, kit.money(item.cents) })
        local city = order.city or "unknown"
        per_city[city] = (per_city[city] or 0) + item.qty * item.cents
        items, revenue = items + 1, revenue + item.qty * item.cents
      end
    end
    lines[i] = text
  end
  return kit.lines(lines), kit.lines(table_rows), rejects, per_city, items, revenue
end

local city_script = [=[
cd %s && python3 - <<'EOF'
import csv
import json
from decimal import Decimal

cents = {}
with open("items.csv", newline="", encoding="utf-8") as handle:
    for row in csv.DictReader(handle):
        city = row["city"] or "unknown"
        cents[city] = cents.get(city, 0) + int(row["qty"]) * int(Decimal(row["price"]) * 100)
with open("by-city.json", "w", encoding="utf-8") as out:
    json.dump({city: cents[city] for city in sorted(cents)}, out, indent=2)
    out.write("\n")
EOF
cat by-city.json]=]

function task.make(kit)
  local base = kit.pick({ "webshop-orders", "kiosk-orders", "wholesale-orders", "catering-orders" }) .. "-" .. kit.int(10, 99)
  local source, expected, rejects, per_city, items = build(kit)
  local v = { base = base, data = base .. "/orders.jsonl", script = base .. "/flatten.py", out = base .. "/items.csv",
    rejects = base .. "/rejects.txt", cities = base .. "/by-city.json", items = items, bad = #rejects }

  local goals = {
    { kind = "file_equals", path = v.out, content = expected },
    { kind = "file_equals", path = v.rejects, content = kit.lines(rejects) },
    { kind = "unchanged", path = v.data },
  }
  local names = {}
  for city in pairs(per_city) do names[#names + 1] = city end
  table.sort(names)
  for _, city in ipairs(names) do
    goals[#goals + 1] = { kind = "json_equals", path = v.cities, pointer = "/" .. city, value = per_city[city] }
  end

  return {
    values = { data = v.data, output = v.out, rejects = v.rejects, cities = v.cities },
    request = kit.say({
      "flatten the orders in $data into $out, one row per item, unreadable lines to $rejects, and total the turnover per city in $cities",
      "convert $data to a flat $out (a row per item), keep broken lines in $rejects and sum up turnover by city in $cities",
    }, v),
    fixture = { files = { [v.data] = source } },
    goals = goals,
    stages = {
      {
        id = "shape",
        ask = kit.ask({ "How are the records in $data structured? One example, and the number of lines.", "Show me the structure of $data: keys, nesting, number of lines." },
          { "The web team gave me the orders as $data, which is in a format that I cannot open in a spreadsheet. Can you tell me how one order is built and how many there are?",
            "I received $data, with one order per line as far as I can tell. Please show me one of them in readable form and count the lines." }, v),
        steps = {
          { id = "count", tool = "exec", arguments = { command = "wc -l < " .. v.data } },
          { id = "first", tool = "exec", arguments = { command = ("head -n 1 %s | python3 -m json.tool"):format(v.data) } },
        },
        reply = kit.say({ "{{count.stdout}} lines, one order each. The first, formatted:\n\n{{first.all}}\n\nAn order holds a list of items, so a flat table needs one row per item.",
          "There are {{count.stdout}} lines. An order has an id, a customer and a list of items:\n\n{{first.all}}" }, v),
      },
      {
        id = "convert",
        ask = kit.ask({ "Write $script -> $out: order, customer, city, sku, qty, price (from cents, 2 decimals). Broken lines verbatim to $rejects as 'line: text'. No city: leave empty.",
            "Flatten with $script into $out, columns order,customer,city,sku,qty,price. Unparsable lines go to $rejects, prefixed by line number and colon. Missing city stays blank." },
          { "Please write a script $script that makes a table of it, $out, with the columns order, customer, city, sku, qty and price, one row for each item, and the price in full units with two decimals. I heard that some lines were cut off during export: those should go unchanged into $rejects, each with its line number, a colon and a space in front. If a customer has no city just leave the field empty.",
            "I would like a table $out with order, customer, city, sku, qty, price and one row per item, created by a script $script. The price is stored in cents, please convert it to two decimals. Lines that can't be read should be collected in $rejects in the form line number, colon, space, text. A missing city is no problem, the cell can be blank." }, v),
        repair = kit.ask({ "Still failing on a record. Handle it and rerun." }, { "It seems that one of the orders still makes the script stop. Could you handle that case as well?" }, v),
        steps = {
          { id = "write", tool = "write", arguments = { path = v.script, content = script } },
          { id = "run1", tool = "exec", expect = "fail", arguments = { command = "python3 " .. v.script } },
          { id = "load", tool = "edit", why = "A cut-off line. Keep it aside with its number.", arguments = { path = v.script, oldText = load_old, newText = load_new } },
          { id = "init", tool = "edit", together = true, arguments = { path = v.script, oldText = "rows = []\n", newText = "rows = []\nrejects = []\n" } },
          { id = "finish", tool = "edit", together = true, arguments = { path = v.script, oldText = end_old, newText = end_new } },
          { id = "run2", tool = "exec", expect = "fail", arguments = { command = "python3 " .. v.script } },
          { id = "city", tool = "edit", why = "A customer without a city.", arguments = { path = v.script, oldText = 'who["city"]', newText = 'who.get("city", "")' } },
          { id = "run3", tool = "exec", arguments = { command = ("python3 %s && cat %s"):format(v.script, v.rejects) } },
        },
        reply = kit.say({ "$out is written: {{run3.stdout}}. On the way the script met a cut-off line ({{run1.error}}) and a customer without a city ({{run2.error}}); both are covered. Set aside in $rejects:\n\n{{run3.rest}}",
          "Result: {{run3.stdout}}. It needed two corrections, one for a truncated line ({{run1.error}}), one for {{run2.error}}. These went to $rejects:\n\n{{run3.rest}}" }, v),
      },
      {
        id = "cities",
        ask = kit.ask({ "Turnover per city (qty x price, in cents) to $cities. Blank city = unknown.", "Sum qty*price per city in whole cents, JSON, $cities. Use 'unknown' where it's blank." },
          { "I also need the turnover per city, that is quantity times price, in whole cents so nothing gets rounded. Please save it as $cities, and use unknown for orders without a city.",
            "For our regional overview, please sum up quantity times price for each city from $out and write it to $cities as JSON, in cents. Where there is no city the key should be unknown." }, v),
        steps = {
          { id = "sum", tool = "exec", arguments = { command = city_script:format(base) } },
        },
        reply = kit.say({ "Saved as $cities, in cents:\n\n{{sum.all}}", "Turnover by city, in cents:\n\n{{sum.all}}\n\nThe same is in $cities." }, v),
      },
    },
    verify = {
      steps = {
        { id = "rows", tool = "exec", arguments = { command = ("echo \"$(( $(wc -l < %s) - 1 )) rows, $(wc -l < %s) rejected of $(wc -l < %s) lines\""):format(v.out, v.rejects, v.data) } },
        { id = "total", tool = "exec", arguments = { command = ("python3 -c \"import json; print(sum(json.load(open('%s')).values()))\"; awk -F, 'NR > 1 { n = NF; s += $(n-1) * int($n * 100 + 0.5) } END { printf \"%%d\\n\", s }' %s"):format(v.cities, v.out) } },
      },
      reply = kit.say({ "{{rows.stdout}}. The city totals add up to {{total.line1}} cents, and summing $out directly gives {{total.line2}}.", "For $base: {{rows.stdout}}; turnover {{total.line1}} cents by city, {{total.line2}} straight from the table." }, v),
    },
  }
end

return task
