-- A small command-line calculator with given cases. Binary fractions round some of them the wrong way.

local task = {
  id = "b1912dbf-cacb-4af0-a70e-2922e7ae9110",
  name = "Build Invoice Calculator",
  description = "Write a small command-line program that meets given cases exactly, rounding included, and run it over a batch.",
  tools = { "exec", "read", "write" },
}

local first_version = [=[
"""usage: line_total.py QUANTITY PRICE VAT_PERCENT"""
import sys

quantity, price, vat = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
print(f"{round(quantity * price * (1 + vat / 100), 2):.2f}")
]=]

local second_version = [=[
"""usage: line_total.py QUANTITY PRICE VAT_PERCENT"""
import sys
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation


def line_total(quantity, price, vat):
    gross = Decimal(quantity) * Decimal(price) * (100 + Decimal(vat)) / 100
    return gross.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(line_total(*arguments))
    except InvalidOperation:
        print(f"not a number in: {' '.join(arguments)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
]=]

local checker = [=[
#!/bin/sh
# Runs line_total.py over cases.txt: quantity price vat expected
cd "$(dirname "$0")" || exit 2
bad=0
while read -r quantity price vat expected; do
  got=$(python3 -B line_total.py "$quantity" "$price" "$vat") || got="an error"
  if [ "$got" != "$expected" ]; then
    echo "wrong: $quantity x $price + $vat% is $expected, got $got"
    bad=$((bad + 1))
  fi
done < cases.txt
echo "$bad wrong of $(wc -l < cases.txt)"
[ "$bad" -eq 0 ]
]=]

local batch_script = [=[
cd %s && python3 -B - <<'EOF'
import csv
from decimal import Decimal

from line_total import line_total

total = Decimal(0)
with open("lines.csv", newline="", encoding="utf-8") as handle, open("totals.csv", "w", encoding="utf-8") as out:
    out.write("line,gross\n")
    for row in csv.DictReader(handle):
        gross = line_total(row["quantity"], row["price"], row["vat"])
        total += gross
        out.write(f"{row['line']},{gross}\n")
    out.write(f"sum,{total}\n")
EOF
tail -n 3 totals.csv]=]

-- Half a cent in decimal, just below it in binary: round() of a float gives one cent less.
local traps = {
  { 1, 115, 10 }, { 1, 450, 19 }, { 1, 810, 25 }, { 1, 1195, 10 }, { 2, 345, 25 }, { 2, 605, 25 }, { 2, 865, 25 }, { 2, 1125, 19 },
  { 3, 265, 10 }, { 3, 550, 21 }, { 3, 835, 10 }, { 3, 1150, 7 }, { 5, 230, 19 }, { 5, 410, 25 }, { 5, 630, 19 }, { 5, 750, 7 },
  { 6, 275, 19 }, { 6, 515, 25 }, { 7, 215, 10 }, { 7, 550, 19 }, { 7, 895, 10 },
}

local function gross(quantity, cents, vat)
  return (quantity * cents * (100 + vat) + 50) // 100
end

function task.make(kit)
  local base = kit.pick({ "invoice-lines", "till-totals", "quote-lines" }) .. "-" .. kit.pick({ "kit", "beta", "lab", "shop" })
  local cases, wrong = {}, kit.int(2, 3)
  for _, t in ipairs(kit.sample(traps, wrong)) do cases[#cases + 1] = t end
  for _ = 1, kit.int(4, 6) do cases[#cases + 1] = { kit.int(1, 9), kit.int(1, 90) * 100, kit.pick({ 0, 5, 10, 20 }) } end
  cases = kit.shuffled(cases)
  local case_lines = {}
  for i, c in ipairs(cases) do
    case_lines[i] = ("%d %s %d %s"):format(c[1], kit.money(c[2]), c[3], kit.money(gross(c[1], c[2], c[3])))
  end

  local lines, totals, sum = { "line,quantity,price,vat" }, { "line,gross" }, 0
  for i = 1, kit.int(8, 14) do
    local trap = kit.chance(30) and kit.pick(traps) or nil
    local quantity, cents, vat = kit.int(1, 20), kit.int(45, 9900), kit.pick({ 7, 10, 19, 21 })
    if trap then quantity, cents, vat = trap[1], trap[2], trap[3] end
    lines[#lines + 1] = ("L%02d,%d,%s,%d"):format(i, quantity, kit.money(cents), vat)
    local value = gross(quantity, cents, vat)
    totals[#totals + 1] = ("L%02d,%s"):format(i, kit.money(value))
    sum = sum + value
  end
  totals[#totals + 1] = "sum," .. kit.money(sum)

  local v = { base = base, script = base .. "/line_total.py", cases = base .. "/cases.txt", check = base .. "/check.sh",
    lines = base .. "/lines.csv", totals = base .. "/totals.csv", count = #cases, rows = #lines - 1 }
  return {
    values = { script = v.script, cases = v.cases, totals = v.totals },
    request = kit.say({
      "write $script so that all $count cases in $cases come out to the cent, then run $base/lines.csv through it into $totals",
      "build a calculator $script that satisfies $cases exactly and use it for $base/lines.csv, with the result in $totals",
    }, v),
    fixture = { files = { [v.cases] = kit.lines(case_lines), [v.check] = checker, [v.lines] = kit.lines(lines) }, modes = { [v.check] = 493 } },
    goals = {
      { kind = "command", argv = { "sh", v.check }, exit_code = 0, stdout = ("0 wrong of %d"):format(#cases) },
      { kind = "file_equals", path = v.totals, content = kit.lines(totals) },
      { kind = "unchanged", path = v.cases },
      { kind = "unchanged", path = v.check },
      { kind = "unchanged", path = v.lines },
      { kind = "command", argv = { "sh", "-c", ("python3 -B %s 1 2 2>/dev/null"):format(v.script) }, exit_code = 2 },
    },
    stages = {
      {
        id = "cases",
        ask = kit.ask({ "Look at $cases and $check. What is $script supposed to do? It doesn't exist yet.", "Read $cases and $check, summarise the interface I need for $script." },
          { "We need a little program, $script, that doesn't exist yet. The examples it must satisfy are in $cases, and $check runs them. Could you read both and tell me what the program has to take and to print?",
            "Our tax adviser gave us $count example calculations, $cases, and a colleague wrote $check for them. Please look at the two and describe what a program called $script would have to do." }, v),
        steps = {
          { id = "cases", tool = "read", arguments = { path = v.cases } },
          { id = "check", tool = "read", together = true, arguments = { path = v.check } },
        },
        reply = kit.say({ "check.sh calls line_total.py with quantity, net price and VAT percent, and expects the gross amount with two decimals on stdout. There are {{cases.lines}} cases:\n\n{{cases.all}}\n\nSeveral of them fall on half a cent, so rounding will matter.",
          "The program takes three arguments (quantity, price, VAT in percent) and prints the gross amount. The {{cases.lines}} cases:\n\n{{cases.all}}" }, v),
      },
      {
        id = "build",
        ask = kit.ask({ "Write $script, make check.sh pass. Wrong number of arguments: usage on stderr, exit 2.", "Build it. All $count cases exact, half cents go up. Exit 2 plus usage if the arguments don't fit." },
          { "Please write $script so that check.sh passes with all $count cases. Half a cent is always rounded up, that's what our adviser insists on. When somebody calls it with the wrong number of arguments it should print a usage line to stderr and exit with code 2.",
            "Could you write the program now? Each of the $count cases has to be right to the cent, and half cents are rounded up. Called with too few or too many arguments it should show how it is used and end with code 2." }, v),
        repair = kit.ask({ "Cases still wrong. Use exact decimals." }, { "Some cases are still wrong by a cent. Could you calculate with exact decimals?" }, v),
        steps = {
          { id = "write1", tool = "write", arguments = { path = v.script, content = first_version } },
          { id = "check1", tool = "exec", expect = "fail", arguments = { command = "./" .. v.check } },
          { id = "write2", tool = "write", why = "Off by one cent: these amounts have no exact binary form, and the float lies just below the half. Decimal is exact and can round half up.",
            arguments = { path = v.script, content = second_version } },
          { id = "check2", tool = "exec", arguments = { command = "./" .. v.check } },
          { id = "usage", tool = "exec", arguments = { command = ("python3 -B %s 3 9.99; echo \"exit code $?\""):format(v.script) } },
        },
        reply = kit.say({ "check.sh passes: {{check2.stdout}}. With floats it did not ({{check1.last}}): some half cents are stored slightly too low. The program uses Decimal with ROUND_HALF_UP now. Two arguments give the usage line and {{usage.last}}.",
          "Done, {{check2.stdout}}. The first attempt with float had {{check1.last}}, always by one cent, so I switched to exact decimals. Wrong usage ends with {{usage.last}}." }, v),
      },
      {
        id = "batch",
        ask = kit.ask({ "Run $lines through it: $totals with line,gross and a last row sum.", "Batch $lines into $totals, columns line and gross, final row 'sum'." },
          { "Now the real thing: $lines has $rows invoice lines. Please calculate each with the same function and write $totals with the columns line and gross, and a last row that says sum and the total.",
            "There are $rows lines in $lines waiting to be calculated. Please use line_total for them and put the results into $totals, two columns named line and gross, with a final row sum." }, v),
        steps = {
          { id = "run", tool = "exec", arguments = { command = batch_script:format(base) } },
        },
        reply = kit.say({ "$totals is written; it ends with:\n\n{{run.all}}", "All $rows lines are calculated. The end of $totals:\n\n{{run.all}}" }, v),
      },
    },
    verify = {
      steps = {
        { id = "check", tool = "exec", arguments = { command = "./" .. v.check } },
        { id = "sum", tool = "exec", arguments = { command = ("awk -F, 'NR > 1 && $1 != \"sum\" { s += $2 } END { printf \"%%.2f\\n\", s }' %s; tail -n 1 %s"):format(v.totals, v.totals) } },
      },
      reply = kit.say({ "Cases: {{check.stdout}}. Adding up the column again gives {{sum.line1}}, the file says {{sum.line2}}.", "{{check.stdout}}, and the last row of totals.csv ({{sum.line2}}) agrees with a separate sum of {{sum.line1}}." }, v),
    },
  }
end

return task
