-- A matching that compares everything with everything. A meter counts executed lines, so the gain is a number, not a feeling.

local task = {
  id = "693e0c39-d203-43c3-b2a9-190758da797f",
  name = "Reduce Function Cost",
  description = "Replace a quadratic function by a cheaper one while its output stays the same, measured by a given meter.",
  tools = { "exec", "read", "write", "edit" },
}

local slow = [=[
import csv
import pathlib

base = pathlib.Path(__file__).resolve().parent


def load(name):
    with (base / name).open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def match(invoices, payments):
    """Pairs each invoice with the first payment that names it."""
    pairs = []
    for invoice in invoices:
        for payment in payments:
            if payment["reference"].strip().upper() == invoice["number"]:
                pairs.append((invoice["number"], payment["paid_by"]))
                break
        else:
            pairs.append((invoice["number"], "OPEN"))
    return pairs


if __name__ == "__main__":
    for number, payer in match(load("invoices.csv"), load("payments.csv")):
        print(number, payer)
]=]

local meter = [=[
"""Counts the lines that match() executes, and fails above the budget."""
import sys

import match_payments

BUDGET = $budget
count = 0


def watch(frame, event, argument):
    global count
    if frame.f_code.co_filename != match_payments.__file__:
        return None
    if event == "line":
        count += 1
    return watch


invoices, payments = match_payments.load("invoices.csv"), match_payments.load("payments.csv")
sys.settrace(watch)
match_payments.match(invoices, payments)
sys.settrace(None)
print(f"{count} lines executed, budget {BUDGET}")
sys.exit(0 if count <= BUDGET else 1)
]=]

local body_old = [=[
    pairs = []
    for invoice in invoices:
        for payment in payments:
            if payment["reference"].strip().upper() == invoice["number"]:
                pairs.append((invoice["number"], payment["paid_by"]))
                break
        else:
            pairs.append((invoice["number"], "OPEN"))
    return pairs
]=]

local body_wrong = [=[
    payer = {}
    for payment in payments:
        payer[payment["reference"].strip().upper()] = payment["paid_by"]
    return [(invoice["number"], payer.get(invoice["number"], "OPEN")) for invoice in invoices]
]=]

local wrong_line = '        payer[payment["reference"].strip().upper()] = payment["paid_by"]\n'
local right_line = '        payer.setdefault(payment["reference"].strip().upper(), payment["paid_by"])\n'

local function build(kit)
  local count = kit.int(45, 70)
  local invoices, payments, first, out, open = { "number,amount" }, {}, {}, {}, 0
  for i = 1, count do
    local number = ("INV-%05d"):format(20000 + i * 7 + kit.int(0, 5))
    invoices[#invoices + 1] = number .. "," .. kit.money(kit.int(900, 90000))
    if i == 1 or not kit.chance(15) then
      local times = (i == 1 or kit.chance(12)) and 2 or 1
      for _ = 1, times do
        payments[#payments + 1] = { number = number, payer = kit.pick(kit.companies),
          text = kit.chance(25) and " " .. number:lower() .. " " or number }
      end
    else
      open = open + 1
    end
    out[i] = number
  end
  payments = kit.shuffled(payments)
  -- The payers of a doubly paid invoice must differ, or taking the last instead of the first would go unnoticed.
  local lines = { "reference,paid_by" }
  for _, p in ipairs(payments) do
    if not first[p.number] then first[p.number] = p.payer
    elseif first[p.number] == p.payer then p.payer = p.payer .. " (branch)" end
    lines[#lines + 1] = kit.row({ p.text, p.payer })
  end
  for i, number in ipairs(out) do out[i] = number .. " " .. (first[number] or "OPEN") end
  return kit.lines(invoices), kit.lines(lines), kit.lines(out), open, count, #payments
end

function task.make(kit)
  local base = kit.pick({ "payment-match", "bank-match", "invoice-match" }) .. "-" .. kit.pick({ "north", "south", "export", "retail", "2019" })
  local invoices, payments, expected, open, count, paid = build(kit)
  -- A dictionary needs about two lines an item; the nested loop needs hundreds.
  local v = { base = base, script = base .. "/match_payments.py", meter = base .. "/meter.py", budget = (count + paid) * 4 // 10 * 10,
    baseline = base .. "/baseline.txt", result = base .. "/matched.txt", note = base .. "/cost.txt", open = open, invoices = count }
  return {
    values = { script = v.script, budget = v.budget, result = v.result },
    request = kit.say({
      "bring match() in $script under $budget executed lines without changing its output, and store that output in $result",
      "make match() in $script cheaper, at most $budget lines by meter.py, same output as before, saved to $result",
    }, v),
    fixture = { files = { [v.script] = slow, [v.meter] = kit.fill(meter, v), [base .. "/invoices.csv"] = invoices, [base .. "/payments.csv"] = payments } },
    goals = {
      { kind = "file_equals", path = v.baseline, content = expected },
      { kind = "file_equals", path = v.result, content = expected },
      { kind = "command", argv = { "sh", "-c", ("cd %s && python3 -B match_payments.py | cmp - baseline.txt"):format(base) }, exit_code = 0 },
      { kind = "command", argv = { "sh", "-c", ("cd %s && python3 -B meter.py"):format(base) }, exit_code = 0, stdout_contains = "lines executed" },
      { kind = "unchanged", path = v.meter },
      { kind = "unchanged", path = base .. "/invoices.csv" },
      { kind = "unchanged", path = base .. "/payments.csv" },
      { kind = "file_contains", path = v.note, text = "after" },
    },
    stages = {
      {
        id = "measure",
        ask = kit.ask({ "Run meter.py in $base for a baseline, and save the current output of $script as $baseline.", "Baseline first: meter.py's count, and $script's output to $baseline." },
          { "The matching of payments in $script has become slow since we have more customers. There is a meter.py next to it which counts the executed lines and has a budget of $budget. Could you run it for a start, and save the present output of the script as $baseline so that we can compare later?",
            "I was asked to make $script cheaper without changing what it prints. Please run meter.py in the same folder to see where we stand, and keep the output of the script in $baseline." }, v),
        steps = {
          { id = "meter", tool = "exec", expect = "fail", arguments = { workdir = base, command = "python3 -B meter.py" } },
          { id = "save", tool = "exec", why = "Over budget, as feared. Keep today's output before any change.", arguments = { workdir = base, command = "python3 -B match_payments.py > baseline.txt && wc -l < baseline.txt && grep -c ' OPEN$' baseline.txt || true" } },
          { id = "source", tool = "read", arguments = { path = v.script } },
        },
        reply = kit.say({ "The meter says: {{meter.stdout}}. It exits with {{meter.exit_code}}, so the budget is exceeded. $baseline has {{save.line1}} lines, {{save.line2}} of them open. match() walks through all payments for each invoice, and that is where the lines go.",
          "Baseline: {{meter.stdout}} (exit code {{meter.exit_code}}). The output is kept in $baseline, {{save.line1}} invoices with {{save.line2}} open. The cost comes from the nested loop in match()." }, v),
      },
      {
        id = "rewrite",
        ask = kit.ask({ "Get match() under $budget lines. Output must stay identical to $baseline.", "Rewrite match() with a lookup. cmp against $baseline, then meter." },
          { "Please rewrite match() so that it stays within the budget of $budget lines. The output has to remain exactly as in $baseline, the accountants compare it line by line, so please check that too.",
            "Now please make match() cheaper, for example with a lookup table. It needs to be at most $budget lines by the meter, and the output must not differ from $baseline in a single line." }, v),
        repair = kit.ask({ "Output differs or budget missed. The first payment counts." }, { "Something doesn't match yet. Please remember that the first payment for an invoice is the one that counts." }, v),
        steps = {
          { id = "edit", tool = "edit", arguments = { path = v.script, oldText = body_old, newText = body_wrong } },
          { id = "compare1", tool = "exec", expect = "fail", arguments = { workdir = base, command = "python3 -B match_payments.py | diff baseline.txt -" } },
          { id = "first", tool = "edit", why = "Invoices paid twice now show the last payer. The old code took the first, so keep the first.", arguments = { path = v.script, oldText = wrong_line, newText = right_line } },
          { id = "compare2", tool = "exec", arguments = { workdir = base, command = "python3 -B match_payments.py | diff baseline.txt - && echo identical" } },
          { id = "meter", tool = "exec", arguments = { workdir = base, command = "python3 -B meter.py" } },
        },
        reply = kit.say({ "match() builds a lookup once now: {{meter.stdout}}, and the output is {{compare2.stdout}} to $baseline. My first version was not: for invoices that were paid twice it took the last payment instead of the first, and the comparison showed it.",
          "{{meter.stdout}}. Compared with $baseline the output is {{compare2.stdout}}. One slip on the way: a plain dictionary keeps the last payer of a double payment, so I changed it to keep the first." }, v),
      },
      {
        id = "record",
        ask = kit.ask({ "Write the new output to $result, and before/after counts to $note.", "Save the output as $result. $note: line 'before N', line 'after N'." },
          { "Please save the output of the new version as $result, and write a short $note for my manager with two lines: the word before and the old number of executed lines, then the word after and the new number.",
            "For the record, I need the new output in $result, and a file $note with the numbers: one line that starts with before, one that starts with after." }, v),
        steps = {
          { id = "old", tool = "exec", why = "The old count has to be measured on the old code, so rebuild that in /tmp.",
            arguments = { workdir = base, command = [==[mkdir -p /tmp/old-match && cp *.csv meter.py /tmp/old-match/ && python3 - <<'EOF'
import pathlib
text = pathlib.Path("match_payments.py").read_text()
start, end = text.index("    payer = {}"), text.index("\n\nif __name__")
loop = '''    pairs = []
    for invoice in invoices:
        for payment in payments:
            if payment["reference"].strip().upper() == invoice["number"]:
                pairs.append((invoice["number"], payment["paid_by"]))
                break
        else:
            pairs.append((invoice["number"], "OPEN"))
    return pairs
'''
pathlib.Path("/tmp/old-match/match_payments.py").write_text(text[:start] + loop + text[end:])
EOF
(cd /tmp/old-match && python3 -B meter.py | cut -d' ' -f1)]==] } },
          { id = "note", tool = "exec", arguments = { workdir = base, command = "python3 -B match_payments.py > matched.txt && { echo \"before $(cd /tmp/old-match && python3 -B meter.py | cut -d' ' -f1)\"; echo \"after $(python3 -B meter.py | cut -d' ' -f1)\"; } > cost.txt && cat cost.txt && rm -r /tmp/old-match" } },
        },
        reply = kit.say({ "$result is saved and $note reads:\n\n{{note.all}}", "Written. The numbers in $note:\n\n{{note.all}}\n\nI measured the old loop again in a temporary copy, which is gone." }, v),
      },
    },
    verify = {
      steps = {
        { id = "same", tool = "exec", arguments = { workdir = base, command = "cmp baseline.txt matched.txt && echo identical" } },
        { id = "meter", tool = "exec", arguments = { workdir = base, command = "python3 -B meter.py" } },
      },
      reply = kit.say({ "baseline.txt and matched.txt in $base are {{same.stdout}}; the meter reports {{meter.stdout}}.", "$base again: output {{same.stdout}}, {{meter.stdout}}." }, v),
    },
  }
end

return task
