-- A margin report that crashes twice: on thousands separators, and on a product without revenue.

local task = {
  id = "fa9b6bb7-2c6f-4698-abd7-98c8cfe41b44",
  name = "Fix Failing Script",
  description = "Find out why a Python script stops with a traceback, repair it and produce the output it was meant to give.",
  tools = { "exec", "read", "edit" },
}

local script = [[
import csv
import pathlib

base = pathlib.Path(__file__).resolve().parent


def margin(revenue, cost):
    return (revenue - cost) / revenue * 100


def main():
    with (base / "products.csv").open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            revenue = float(row["revenue"])
            cost = float(row["cost"])
            print(f"{row['product']}: {margin(revenue, cost):.1f}%")


main()
]]

local parse_old = [[
            revenue = float(row["revenue"])
            cost = float(row["cost"])
]]

local parse_new = [[
            revenue = float(row["revenue"].replace(",", ""))
            cost = float(row["cost"].replace(",", ""))
]]

local print_old = [[
            print(f"{row['product']}: {margin(revenue, cost):.1f}%")
]]

local print_new = [[
            if revenue == 0:
                print(f"{row['product']}: n/a")
                continue
            print(f"{row['product']}: {margin(revenue, cost):.1f}%")
]]

local flag_new = [[
            value = margin(revenue, cost)
            flag = " LOW" if value < %d else ""
            print(f"{row['product']}: {value:.1f}%%{flag}")
]]

local goods = { "kettle", "desk lamp", "rain jacket", "bike pump", "thermos", "label printer", "wall clock", "tea set", "headset", "yoga mat",
  "tool roll", "camp stove" }

local function build(kit, limit)
  local names = kit.sample(goods, kit.int(6, 9))
  local dead = kit.int(4, #names)
  local rows, out = { "product,revenue,cost" }, {}
  for i, name in ipairs(names) do
    local revenue = i == dead and 0 or (i == 2 and kit.int(120000, 990000) or kit.int(20000, 480000))
    local percent = kit.int(45, 88)
    -- Stay clear of the limit, so that rounding can't decide.
    if math.abs(100 - percent - limit) < 2 then percent = percent + 4 end
    local cost = i == dead and kit.int(900, 9000) or revenue * percent // 100
    local function text(cents) return kit.grouped(cents // 100) .. ("." .. "%02d"):format(cents % 100) end
    rows[#rows + 1] = kit.row({ name, text(revenue), text(cost) })
    if revenue == 0 then
      out[#out + 1] = name .. ": n/a"
    else
      local r, c = tonumber(kit.money(revenue)), tonumber(kit.money(cost))
      local value = (r - c) / r * 100
      out[#out + 1] = ("%s: %.1f%%%s"):format(name, value, value < limit and " LOW" or "")
    end
  end
  return kit.lines(rows), kit.lines(out), names[dead]
end

function task.make(kit)
  local base = kit.pick({ "margin-report", "product-margins", "range-review" }) .. "-" .. kit.pick({ "q1", "q2", "q3", "q4" })
  local limit = kit.pick({ 20, 25, 30, 35 })
  local data, expected, dead = build(kit, limit)
  local v = { base = base, script = base .. "/margins.py", data = base .. "/products.csv", out = base .. "/margins.txt", limit = limit, dead = dead }

  return {
    values = { script = v.script, limit = limit, output = v.out },
    request = kit.say({
      "repair $script, which crashes on its own data, flag margins under $limit percent, and save the output as $out",
      "get $script to run again, mark every margin below $limit percent as LOW and write the listing to $out",
    }, v),
    fixture = { files = { [v.script] = script, [v.data] = data, [base .. "/NOTES.txt"] = "products.csv comes from finance, do not edit by hand.\n" } },
    goals = {
      { kind = "file_equals", path = v.out, content = expected },
      { kind = "command", argv = { "python3", v.script }, exit_code = 0, stdout = (expected:gsub("%s+$", "")) },
      { kind = "unchanged", path = v.data },
      { kind = "unchanged", path = base .. "/NOTES.txt" },
    },
    stages = {
      {
        id = "diagnose",
        ask = kit.ask(
          { "$script dies with a traceback. Run it and tell me why. No fix yet.", "Run $script and diagnose the crash.", "$script used to work. Find out what breaks it now, don't change it yet." },
          { "There is a script, $script, that prints our product margins from products.csv. Since the last export it stops with an error that I don't understand. Could you run it and explain to me what the problem is, before you change anything?",
            "My colleague left and so I have inherited $script. When I start it I get a long error message. Please run it, look at the data next to it, and tell me in plain words why it fails." }, v),
        steps = {
          { id = "run", tool = "exec", expect = "fail", arguments = { command = "python3 " .. v.script } },
          { id = "source", tool = "read", arguments = { path = v.script } },
          { id = "data", tool = "exec", together = true, arguments = { command = "head -n 6 " .. v.data } },
        },
        reply = kit.say({ "It stops with {{run.error}}. The script passes the revenue straight to float(), but larger amounts in products.csv carry a thousands comma and are quoted:\n\n{{data.all}}\n\nfloat() does not accept that comma. The file itself is fine CSV.",
          "The error is {{run.error}}. Finance now exports amounts with a comma as thousands separator, and float() cannot read those. The beginning of the data:\n\n{{data.all}}\n\nI have changed nothing." }, v),
      },
      {
        id = "repair",
        ask = kit.ask({ "Fix it in the script, data stays. No revenue means print n/a.", "Patch the parsing in $script. Don't edit products.csv. Zero revenue should print n/a." },
          { "Please repair the script so that it understands such numbers, and leave products.csv alone because it comes from finance. Should a product have no revenue at all, print n/a instead of a percentage.",
            "Could you change the script so it accepts those numbers? The data file must not be edited. By the way, some products may have zero revenue, for those it should just say n/a." }, v),
        repair = kit.ask({ "Still crashing. Fix that one too." }, { "It still ends with an error, could you look into that one as well?" }, v),
        steps = {
          { id = "parse", tool = "edit", arguments = { path = v.script, oldText = parse_old, newText = parse_new } },
          { id = "run1", tool = "exec", expect = "fail", arguments = { command = "python3 " .. v.script } },
          { id = "zero", tool = "edit", why = "The numbers parse now, and the product without revenue divides by zero.", arguments = { path = v.script, oldText = print_old, newText = print_new } },
          { id = "run2", tool = "exec", arguments = { command = "python3 " .. v.script } },
        },
        reply = kit.say({ "It runs to the end now. After the comma was dealt with there was a {{run1.error}} for $dead, which has no revenue; that prints n/a now:\n\n{{run2.all}}",
          "Two changes in the script: commas are removed before float(), and zero revenue prints n/a. The second was needed because the run in between ended with {{run1.error}}. Output:\n\n{{run2.all}}" }, v),
      },
      {
        id = "flag",
        ask = kit.ask({ "Append ' LOW' to margins under $limit%. Save the output as $out.", "Now flag everything under $limit percent with LOW at the end of the line and write it to $out." },
          { "One addition: every product with a margin under $limit percent should get the word LOW at the end of its line, after a space. Please save the resulting list as $out, I will print it for the meeting.",
            "For the range meeting I also need the weak products to stand out. Anything below $limit percent should have LOW at the end of the line, and the complete list should be in $out." }, v),
        steps = {
          { id = "flag", tool = "edit", arguments = { path = v.script, oldText = print_old, newText = flag_new:format(limit) } },
          { id = "save", tool = "exec", arguments = { command = ("python3 %s > %s && cat %s"):format(v.script, v.out, v.out) } },
          { id = "low", tool = "exec", arguments = { command = ("grep -c ' LOW$' %s || true"):format(v.out) } },
        },
        reply = kit.say({ "$out is written, {{low.stdout}} products are under $limit percent:\n\n{{save.all}}", "Flagged and saved in $out. LOW appears {{low.stdout}} times:\n\n{{save.all}}" }, v),
      },
    },
    verify = {
      steps = {
        { id = "again", tool = "exec", arguments = { command = ("python3 %s | cmp - %s && echo same"):format(v.script, v.out) } },
        { id = "rows", tool = "exec", arguments = { command = ("echo $(( $(wc -l < %s) - 1 )) products, $(wc -l < %s) lines"):format(v.data, v.out) } },
      },
      reply = kit.say({ "A fresh run of $script gives the {{again.stdout}} output as $out: {{rows.stdout}}.", "Ran margins.py once more and compared: {{again.stdout}}. {{rows.stdout}}." }, v),
    },
  }
end

return task
