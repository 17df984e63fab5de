-- Exports of several branches with differing headers and separators become one file; the sources must stay as they are.

local task = {
  id = "a10d3364-1ed3-42f4-a517-98a2a78efd6f",
  name = "Merge Differing CSV Exports",
  description = "Combine CSV exports whose headers and separators differ into one consistent file with control totals.",
  tools = { "exec", "write", "edit" },
  skills = { "csv-cleaning" },
}

local script_head = [[import csv
import pathlib
from decimal import Decimal

base = pathlib.Path(__file__).resolve().parent
rows = []
for path in sorted((base / "incoming").glob("*.csv")):
]]

local first_loop = [=[    with path.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            rows.append([row["order_id"], path.stem, row["customer"], row["amount"]])
]=]

local better_loop = [=[    text = path.read_text(encoding="utf-8")
    separator = ";" if ";" in text.splitlines()[0] else ","
    for raw in csv.DictReader(text.splitlines(), delimiter=separator):
        row = {NAMES.get(key.strip().lower(), key): value.strip() for key, value in raw.items()}
        amount = row["amount"].replace(",", ".") if separator == ";" else row["amount"]
        rows.append([row["order_id"], path.stem, row["customer"], f"{Decimal(amount):.2f}"])
]=]

local names_block = [[NAMES = {"order id": "order_id", "auftrag": "order_id", "client": "customer", "kunde": "customer",
         "total": "amount", "betrag": "amount"}
base = ]]

local script_tail = [[
with (base / "combined.csv").open("w", newline="", encoding="utf-8") as handle:
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(["order_id", "branch", "customer", "amount"])
    writer.writerows(rows)
print(f"{len(rows)} rows written")
]]

local customers = { "Harbour & Pine", "Okonkwo, Adaeze", "Kestrel Optics", 'Sundara "Blue" Textiles', "Casa Verde", "Meridian Pumps",
  "Lindqvist, Greta", "Atlas Print", "Juniper Care", "Delta Feeds", "Bluefin Marine", "Rio Claro Coffee" }

-- Each branch writes its export another way.
local layouts = {
  { separator = ",", point = ".", header = { "order_id", "customer", "amount", "status" }, order = { "id", "customer", "amount", "status" } },
  { separator = ",", point = ".", header = { "Client", "Order ID", "Status", "Total" }, order = { "customer", "id", "status", "amount" } },
  { separator = ";", point = ",", header = { "Auftrag", "Kunde", "Betrag" }, order = { "id", "customer", "amount" } },
}

local function export(kit, layout, prefix)
  local lines, rows, sum = { table.concat(layout.header, layout.separator) }, {}, 0
  for i = 1, kit.int(4, 9) do
    local cents = kit.int(1250, 984000)
    local values = { id = ("%s-%04d"):format(prefix, 1000 + i * kit.int(1, 7)), customer = kit.pick(customers),
      amount = kit.money(cents, layout.point), status = kit.pick({ "paid", "open", "paid", "late" }) }
    local fields = {}
    for k, name in ipairs(layout.order) do fields[k] = values[name] end
    -- A decimal comma does not need quotes in a semicolon file, and neither do names with a comma.
    if layout.separator == ";" then
      for k, value in ipairs(fields) do fields[k] = value:find('"') and '"' .. value:gsub('"', '""') .. '"' or value end
      lines[#lines + 1] = table.concat(fields, ";")
    else
      lines[#lines + 1] = kit.row(fields)
    end
    rows[i] = { values.id, values.customer, kit.money(cents) }
    sum = sum + cents
  end
  return kit.lines(lines), rows, sum
end

local function totals_script(base)
  return ([=[cd %s && python3 - <<'EOF'
import csv
from collections import defaultdict
from decimal import Decimal

count, total = defaultdict(int), defaultdict(Decimal)
with open("combined.csv", newline="", encoding="utf-8") as handle:
    for row in csv.DictReader(handle):
        count[row["branch"]] += 1
        total[row["branch"]] += Decimal(row["amount"])
with open("totals.txt", "w", encoding="utf-8") as out:
    for branch in sorted(count):
        out.write(f"{branch} {count[branch]} {total[branch]:.2f}\n")
    out.write(f"all {sum(count.values())} {sum(total.values()):.2f}\n")
EOF
cat totals.txt]=]):format(base)
end

function task.make(kit)
  local base = kit.pick({ "branch-orders", "region-exports", "store-orders", "dealer-exports" }) .. "-" .. kit.pick({ "q1", "q2", "q3", "h1", "wk18" })
  local branches = kit.sample({ "antwerp", "bogota", "cardiff", "dakar", "espoo", "fukuoka", "graz", "hobart" }, 3)
  table.sort(branches)
  local order = kit.shuffled({ 1, 2, 3 })
  local files, combined, per_branch, grand, count = {}, { "order_id,branch,customer,amount" }, {}, 0, 0
  for i, branch in ipairs(branches) do
    local text, rows, sum = export(kit, layouts[order[i]], branch:sub(1, 2):upper())
    files[("%s/incoming/%s.csv"):format(base, branch)] = text
    for _, r in ipairs(rows) do combined[#combined + 1] = kit.row({ r[1], branch, r[2], r[3] }) end
    per_branch[i] = ("%s %d %s"):format(branch, #rows, kit.money(sum))
    grand, count = grand + sum, count + #rows
  end
  per_branch[#per_branch + 1] = ("all %d %s"):format(count, kit.money(grand))
  local v = { base = base, a = branches[1], b = branches[2], c = branches[3], out = base .. "/combined.csv", totals = base .. "/totals.txt", rows = count }

  local goals = {
    { kind = "file_equals", path = v.out, content = kit.lines(combined) },
    { kind = "file_equals", path = v.totals, content = kit.lines(per_branch) },
  }
  for _, branch in ipairs(branches) do goals[#goals + 1] = { kind = "unchanged", path = ("%s/incoming/%s.csv"):format(base, branch) } end

  return {
    values = { folder = base .. "/incoming", first = v.a, second = v.b, third = v.c, output = v.out },
    request = kit.say({
      "merge the $a, $b and $c exports in $base/incoming, which have different headers, into $out and add totals per branch",
      "turn the three CSV exports in $base/incoming ($a, $b, $c) into a single $out with one set of columns plus branch totals",
    }, v),
    fixture = { files = files },
    goals = goals,
    stages = {
      {
        id = "inspect",
        ask = kit.ask(
          { "Check the headers of the three files in $base/incoming. They don't match, I think.", "Start with $base/incoming: show me how the $a, $b and $c headers differ.",
            "Look at the columns in $base/incoming first, three branches, three habits." },
          { "Every branch sends me its orders as a CSV and of course each one does it differently. The files from $a, $b and $c are in $base/incoming. Could you first look at the headers and tell me how they differ?",
            "I have three order exports in $base/incoming, one each from $a, $b and $c. I suspect that the column names are not the same. Please have a look at the first lines and describe the differences before we merge anything." }, v),
        steps = {
          { id = "heads", tool = "exec", why = "Header and one data row of each are enough to see names, order and separator.",
            arguments = { workdir = base .. "/incoming", command = 'for f in *.csv; do echo "== $f"; head -n 2 "$f"; done' } },
          { id = "sizes", tool = "exec", arguments = { workdir = base .. "/incoming", command = "cat *.csv | wc -l" }, together = true },
        },
        reply = kit.say({
          "They do differ. Header and first row of each:\n\n{{heads.all}}\n\nThe names and the column order are not the same, and one of the files uses semicolons with decimal commas.",
          "Three files, {{sizes.stdout}} lines with headers, three layouts:\n\n{{heads.all}}\n\nOne is separated by semicolons and writes amounts with a comma, so a plain concatenation would be wrong.",
        }, v),
      },
      {
        id = "merge",
        ask = kit.ask(
          { "Merge into $out: order_id, branch, customer, amount. Two decimals with a point. Keep the script as $base/merge.py. Sources stay read-only.",
            "Build $out with columns order_id, branch, customer, amount; amounts as 1234.50. Script goes to $base/merge.py, incoming files untouched." },
          { "Please combine them into $out with exactly these columns: order_id, branch, customer, amount. The branch is the file name, and amounts should look like 1234.50 everywhere. Put the script into $base/merge.py because I will need it again next month, and please don't alter the files in incoming.",
            "What I need is one file, $out, with the columns order_id, branch (taken from the file name), customer and amount, the amount always with a point and two decimals. Save the program as $base/merge.py so it can be reused. The originals must not change." }, v),
        repair = kit.ask(
          { "merge.py still fails. Map the header names, then rerun." },
          { "The merge script stopped with an error. I think it has to translate the different column names; could you fix that and run it again?" }, v),
        steps = {
          { id = "write", tool = "write", why = "Start simple: read each file by column name.",
            arguments = { path = base .. "/merge.py", content = script_head .. first_loop .. script_tail } },
          { id = "run1", tool = "exec", expect = "fail", arguments = { command = "python3 " .. base .. "/merge.py" } },
          { id = "names", tool = "edit", why = "The KeyError is the differing header. Map the names that occur to the four we want.",
            arguments = { path = base .. "/merge.py", oldText = "base = ", newText = names_block } },
          { id = "loop", tool = "edit", why = "The separator and the decimal comma differ too, so settle both per file.",
            arguments = { path = base .. "/merge.py", oldText = first_loop, newText = better_loop } },
          { id = "run2", tool = "exec", arguments = { command = "python3 " .. base .. "/merge.py" } },
          { id = "look", tool = "exec", arguments = { command = "head -n 4 " .. v.out } },
        },
        reply = kit.say({
          "The first version stopped with {{run1.error}}, because not every branch calls the column that. merge.py now maps the header names, detects the separator and converts decimal commas: {{run2.stdout}}. The top of $out:\n\n{{look.all}}",
          "$out is there: {{run2.stdout}}. My first run failed on a header that is spelled differently ({{run1.error}}), so the script carries a small table of names now. A sample:\n\n{{look.all}}",
        }, v),
      },
      {
        id = "totals",
        ask = kit.ask(
          { "Now $totals: per line branch, rows, sum; last line 'all'.", "Totals per branch into $totals, as 'branch rows sum', and a closing line that starts with all." },
          { "For the check with accounting I also need $totals: one line per branch with the branch, its number of rows and the sum of the amounts, separated by single spaces, and a last line that starts with the word all.",
            "Now please add control totals in $totals. Each line: branch, number of rows, sum with two decimals, with a space in between; branches in alphabetical order and at the end a line for everything that begins with all." }, v),
        steps = {
          { id = "sum", tool = "exec", why = "Sum with Decimal so that cents stay exact.", arguments = { command = totals_script(base) } },
        },
        reply = kit.say({ "Here are the control totals, also saved in $totals:\n\n{{sum.all}}", "$totals is written. Summed with exact decimals:\n\n{{sum.all}}" }, v),
      },
    },
    verify = {
      steps = {
        { id = "rows", tool = "exec", arguments = { command = ("echo $(( $(tail -n +2 %s | wc -l) )) rows against $(( $(cat %s/incoming/*.csv | wc -l) - 3 )) in the exports"):format(v.out, base) } },
        { id = "last", tool = "exec", arguments = { command = "tail -n 1 " .. v.totals } },
      },
      reply = kit.say({ "Counted again for $base: {{rows.stdout}}, and the overall line reads '{{last.stdout}}'.", "The merge holds up: {{rows.stdout}}. Closing line of the totals: {{last.stdout}}" }, v),
    },
  }
end

return task
