-- A contact list with repeated addresses. Two of the repeats contradict each other, and only the user can decide which holds.

local task = {
  id = "96a3766a-f654-4dcd-b435-ef2b379f5ae9",
  name = "Deduplicate Contact List",
  description = "Remove repeated contacts that differ in case or spacing, keep the first of each, and settle contradicting entries as told.",
  tools = { "exec", "write", "read" },
  skills = { "csv-cleaning" },
}

local checker = [=[import csv
import sys

seen, conflicts = {}, 0
with open(sys.argv[1], newline="", encoding="utf-8") as handle:
    for row in csv.DictReader(handle):
        key = row["email"].strip().lower()
        if key in seen and seen[key] != row["newsletter"].strip():
            conflicts += 1
            print(f"conflict: {key} is both {seen[key]} and {row['newsletter'].strip()}")
        seen.setdefault(key, row["newsletter"].strip())
print(f"{len(seen)} addresses, {conflicts} conflicts")
sys.exit(1 if conflicts else 0)
]=]

local cleaner = [=[import csv
import pathlib

base = pathlib.Path(__file__).resolve().parent
kept, removed = {}, []
with open(base / "contacts.csv", newline="", encoding="utf-8") as handle:
    for row in csv.DictReader(handle):
        row = {name: value.strip() for name, value in row.items()}
        row["email"] = row["email"].lower()
        first = kept.get(row["email"])
        if first is None:
            kept[row["email"]] = row
        else:
            removed.append(row["email"])
            if row["newsletter"] == "%s":
                first["newsletter"] = "%s"
with open(base / "contacts-clean.csv", "w", newline="", encoding="utf-8") as out:
    writer = csv.DictWriter(out, ["name", "email", "newsletter"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept.values())
(base / "removed.txt").write_text("".join(f"{email}\n" for email in removed), encoding="utf-8")
print(f"kept {len(kept)}, removed {len(removed)}")
]=]

local function address(name, host)
  return name:lower():gsub("[^%a]+", ".") .. "@" .. host
end

local function padded(kit, text)
  local way = kit.int(1, 3)
  if way == 1 then return text:upper() end
  if way == 2 then return " " .. text .. " " end
  return (text:gsub("^%l", string.upper))
end

-- Rows in file order, and which of them survive. `winner` is the answer that the user will prefer.
local function build(kit, winner, loser)
  local hosts = kit.sample({ "harbourpine.example", "atlasprint.example", "junipercare.example", "deltafeeds.example", "quarryhill.example" }, 3)
  local people = kit.sample(kit.people, kit.int(9, 14))
  local rows = {}
  for i, name in ipairs(people) do
    rows[i] = { name = name, email = address(name, kit.pick(hosts)), raw = nil, news = kit.pick({ "yes", "no" }) }
    rows[i].raw = rows[i].email
  end
  local repeats = kit.int(3, 4)
  for i = 1, repeats do
    local source = rows[i * 2]
    local copy = { name = source.name, email = source.email, raw = padded(kit, source.email), news = source.news, again = true }
    if i <= 2 then
      -- One contradiction in each order, so that "first wins" cannot pass by luck.
      source.news, copy.news = i == 1 and loser or winner, i == 1 and winner or loser
      copy.conflict = true
    end
    table.insert(rows, kit.int(i * 2 + 3, #rows + 1), copy)
  end
  return rows
end

function task.make(kit)
  local base = kit.pick({ "mailing-list", "guest-contacts", "member-contacts", "donor-list" }) .. "-" .. kit.pick({ "spring", "autumn", "may", "november", "board", "gala", "newsletter", "festival" })
  local winner = kit.pick({ "no", "no", "yes" })
  local loser = winner == "no" and "yes" or "no"
  local rows = build(kit, winner, loser)

  local source, order, by_email, removed = { "name,email,newsletter" }, {}, {}, {}
  for _, r in ipairs(rows) do
    source[#source + 1] = kit.row({ r.name, r.raw, r.news })
    local first = by_email[r.email]
    if not first then
      by_email[r.email] = { name = r.name, email = r.email, news = r.news }
      order[#order + 1] = r.email
    else
      removed[#removed + 1] = r.email
      if r.news == winner then first.news = winner end
    end
  end
  local clean = { "name,email,newsletter" }
  for _, email in ipairs(order) do clean[#clean + 1] = kit.row({ by_email[email].name, email, by_email[email].news }) end

  local v = { base = base, file = base .. "/contacts.csv", out = base .. "/contacts-clean.csv", gone = base .. "/removed.txt",
    checker = base .. "/check_contacts.py", winner = winner, loser = loser, count = #rows,
    rule = winner == "no" and "a no always wins, somebody who opted out must not get mail" or "a yes wins, they re-subscribed at the desk" }

  return {
    values = { file = v.file, output = v.out, log = v.gone },
    request = kit.say({
      "remove the repeated contacts from $file into $out, first entry wins, and note the removed addresses in $gone",
      "clean $file of duplicate e-mail addresses (case and spaces aside), save it as $out and list what was dropped in $gone",
    }, v),
    fixture = { files = { [v.file] = kit.lines(source), [v.checker] = checker } },
    goals = {
      { kind = "file_equals", path = v.out, content = kit.lines(clean) },
      { kind = "file_equals", path = v.gone, content = kit.lines(removed) },
      { kind = "unchanged", path = v.file },
      { kind = "unchanged", path = v.checker },
      { kind = "command", argv = { "python3", v.checker, v.out }, exit_code = 0, stdout_contains = ("%d addresses, 0 conflicts"):format(#order) },
    },
    stages = {
      {
        id = "check",
        ask = kit.ask(
          { "Run check_contacts.py on $file and tell me what's in there: rows, repeats, contradictions.", "What does $checker say about $file? I expect duplicates." },
          { "Our contact list $file has grown over years and people are in it more than once. There is a small script, $checker, that a colleague wrote; could you run it on the list and explain what it finds?",
            "I look after a contact list, $file, with $count entries, and I know that some people occur twice. Please run $checker on it first, so we see how bad it is." }, v),
        steps = {
          { id = "head", tool = "exec", arguments = { command = "wc -l < " .. v.file .. " && head -n 5 " .. v.file } },
          { id = "check", tool = "exec", expect = "fail", why = "The checker exits with 1 when entries contradict each other.", arguments = { command = ("python3 %s %s"):format(v.checker, v.file) } },
        },
        reply = kit.say({
          "The checker exits with code {{check.exit_code}} because entries contradict each other:\n\n{{check.all}}\n\nPlain repeats I can drop, but for these it has to be decided whether yes or no counts. I have not changed anything.",
          "Here is the checker's output (exit code {{check.exit_code}}):\n\n{{check.all}}\n\nThe same address says yes in one row and no in another. That is your decision, not mine; so far the list is untouched.",
        }, v),
      },
      {
        id = "clean",
        ask = kit.ask(
          { "Rule for those: $rule. Otherwise keep the first row. Trim, lower-case the addresses, write $out and $gone.",
            "For conflicts, $rule. First row wins otherwise. Output $out with lower-case addresses, dropped ones in file order to $gone." },
          { "For the contradicting ones the rule is simple: $rule. Apart from that the first row of a person stays. Please write the result to $out, addresses in lower case and without stray spaces, and put each dropped address into $gone, one per line in the order of the list. Don't overwrite the original.",
            "About those two: $rule. For all other repeats keep the first row. The cleaned list should go to $out, with the addresses trimmed and in lower case, and the dropped addresses to $gone in the order in which they come. contacts.csv itself stays as it is." }, v),
        repair = kit.ask({ "Still failing. Fix the script and rerun." }, { "It seems that the script did not run through, could you correct it and run it again?" }, v),
        steps = {
          { id = "write", tool = "write", why = "Keep the first row, apply the rule to the newsletter column, remember what was dropped.",
            arguments = { path = base .. "/clean_contacts.py", content = cleaner:format(winner, winner) } },
          { id = "run", tool = "exec", arguments = { command = ("python3 %s/clean_contacts.py"):format(base) } },
          { id = "check", tool = "exec", arguments = { command = ("python3 %s %s"):format(v.checker, v.out) } },
        },
        reply = kit.say({ "Applied: {{run.stdout}}. The checker is satisfied with $out now: {{check.stdout}}.",
          "Done, {{run.stdout}}. Run over $out, the checker reports {{check.stdout}} and exits with 0." }, v),
      },
      {
        id = "show",
        ask = kit.ask({ "Show me $gone and the two contested rows in $out.", "List what was dropped, and the final rows for the contested addresses." },
          { "Could you show me which addresses were dropped, and how the two contested people look in the new list? I want to tell the team.",
            "Please show me the content of $gone, and the rows of the two contested addresses in $out, so I can see that the rule was applied." }, v),
        steps = {
          { id = "gone", tool = "read", arguments = { path = v.gone } },
          { id = "rows", tool = "exec", together = true, arguments = { command = ("python3 %s %s | sed -n 's/^conflict: \\([^ ]*\\) is.*/\\1/p' | grep -F -f - %s"):format(v.checker, v.file, v.out) } },
        },
        reply = kit.say({ "Dropped, in file order:\n{{gone.all}}\n\nAnd the contested ones as they are in the new list:\n{{rows.all}}", "These were removed as repeats:\n{{gone.all}}\n\nThe contested rows now read:\n{{rows.all}}" }, v),
      },
    },
    verify = {
      steps = {
        { id = "unique", tool = "exec", arguments = { command = ("cut -d, -f2 %s | tail -n +2 | sort | uniq -d | wc -l"):format(v.out) } },
        { id = "sum", tool = "exec", arguments = { command = ("echo $(( $(wc -l < %s) - 1 )) kept plus $(wc -l < %s) dropped is $(( $(wc -l < %s) - 1 + $(wc -l < %s) )), the list has $(( $(wc -l < %s) - 1 ))"):format(v.out, v.gone, v.out, v.gone, v.file) } },
      },
      reply = kit.say({ "In $out {{unique.stdout}} addresses occur twice, and the numbers add up: {{sum.stdout}}.", "Contacts: {{sum.stdout}}; repeated addresses left: {{unique.stdout}}." }, v),
    },
  }
end

return task
