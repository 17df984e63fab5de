-- Texts from several machines: some in Windows-1252, some with CRLF. Two are already fine and must keep every byte.

local task = {
  id = "a4ae1721-1ca1-44f8-b02c-7e29374c43d2",
  name = "Normalize Text Encoding",
  description = "Bring a folder of text files to UTF-8 and Unix line ends, leaving files that are already fine untouched.",
  tools = { "exec", "write", "edit" },
}

local sentences = {
  "Le café de la gare ouvre à sept heures.", "Die Prüfung fällt diese Woche aus.", "El señor Ibáñez llega el miércoles.",
  "Größe und Menge stehen auf der Rückseite.", "A reunião começa às dez na sala três.", "Smörgåsbord på fredag, anmäl er senast onsdag.",
  "Niño, ¿cuánto cuesta la caja?", "Le numéro de série est gravé à l'arrière.", "Übergabe an Frau Öztürk im dritten Stock.",
}

local plain = { "Keys are in the blue box.", "Ring twice, the bell is broken.", "Dock 4 is closed for repairs.", "Parking permits expire in June." }

local script_first = [[import pathlib

folder = pathlib.Path(__file__).resolve().parent / "notes"
for path in sorted(folder.glob("*.txt")):
    raw = path.read_bytes()
    text = raw.decode("utf-8")
    fixed = text.replace("\r\n", "\n").encode("utf-8")
    if fixed != raw:
        path.write_bytes(fixed)
        print(f"{path.name}: rewritten")
    else:
        print(f"{path.name}: fine")
]]

local old_line = [[    text = raw.decode("utf-8")
]]

local new_lines = [[    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
]]

local function body(kit, list)
  local lines = {}
  for i, line in ipairs(kit.sample(list, kit.int(2, 4))) do lines[i] = line end
  lines[#lines + 1] = "Ref " .. kit.int(10000, 99999)
  return lines
end

-- A fixture is text, so the odd bytes are made by a command: UTF-8 in, the old encoding out.
local function recode(path)
  return { "python3", "-c", "import sys, pathlib; p = pathlib.Path(sys.argv[1]); p.write_bytes(p.read_text(encoding='utf-8').encode('cp1252'))", path }
end

function task.make(kit)
  local base = kit.pick({ "archive-notes", "scanner-texts", "reception-notes", "field-notes" }) .. "-" .. kit.int(1, 40)
  local stems = kit.shuffled({ "accueil", "buero", "cocina", "entrada", "garage", "hall", "kantine", "lager", "office", "patio" })
  local files, commands, goals, windows = {}, {}, {}, 0
  local plan = { "cp1252", "cp1252-crlf", "utf8-crlf", "fine", "fine-accents", "cp1252" }
  if kit.chance(50) then plan[6] = "utf8-crlf" end
  for i, kind in ipairs(plan) do
    local path = ("%s/notes/%s.txt"):format(base, stems[i])
    local lines = body(kit, kind == "fine" and plain or sentences)
    local clean = kit.lines(lines)
    files[path] = kind:find("crlf") and table.concat(lines, "\r\n") .. "\r\n" or clean
    if kind:find("^cp1252") then
      commands[#commands + 1] = recode(path)
      windows = windows + 1
    end
    goals[#goals + 1] = kind:find("^fine") and { kind = "unchanged", path = path } or { kind = "file_equals", path = path, content = clean }
  end
  local bell = base .. "/notes/logo.dat"
  files[bell] = "DAT1\r\nnot a text file, keep\r\n"
  goals[#goals + 1] = { kind = "unchanged", path = bell }

  local v = { base = base, folder = base .. "/notes", files = #plan, script = base .. "/to_utf8.py", report = base .. "/encoding-report.txt" }
  goals[#goals + 1] = { kind = "file_exists", path = v.script }
  goals[#goals + 1] = { kind = "file_contains", path = v.report, text = ("%d of %d files are UTF-8 with Unix line ends"):format(#plan, #plan) }

  return {
    values = { folder = v.folder, files = #plan, report = v.report },
    request = kit.say({
      "convert the $files .txt files in $folder to UTF-8 with Unix line ends, leave the good ones alone, and put a short report in $report",
      "get all $files text files in $folder to UTF-8 and LF without touching those that already are, and confirm it in $report",
    }, v),
    fixture = { files = files, commands = commands },
    goals = goals,
    stages = {
      {
        id = "detect",
        ask = kit.ask({ "Which .txt files in $folder aren't UTF-8 or have CRLF? Just report.", "Check $folder: encodings and line ends of the $files .txt files. No changes." },
          { "Some texts in $folder show strange characters where the accents should be, and others have odd line breaks in my editor. Could you find out which of the $files .txt files are affected, without changing them yet?",
            "I collected $files .txt files in $folder from different computers, and the accents are garbled in some of them. Please check which ones are not proper UTF-8 and which have Windows line ends." }, v),
        steps = {
          { id = "utf8", tool = "exec", why = "A file that does not decode as UTF-8 is in an older encoding.",
            arguments = { workdir = v.folder, command = "for f in *.txt; do iconv -f UTF-8 -t UTF-8 \"$f\" > /dev/null 2>&1 && echo \"$f utf-8\" || echo \"$f other\"; done" } },
          { id = "crlf", tool = "exec", together = true, arguments = { workdir = v.folder, command = "grep -lU $'\\r' *.txt" } },
        },
        reply = kit.say({ "Encoding per file:\n\n{{utf8.all}}\n\nWith Windows line ends: {{crlf.lines}}\n{{crlf.all}}", "This is what I found.\n\nDecodes as UTF-8 or not:\n{{utf8.all}}\n\nCRLF line ends in:\n{{crlf.all}}\n\nNothing is changed so far." }, v),
      },
      {
        id = "convert",
        ask = kit.ask({ "Convert in place to UTF-8/LF with a script, $script. Files that are fine must not be rewritten. logo.dat is off limits.",
            "The others are Windows-1252. Write $script, convert in place, don't rewrite good files, leave logo.dat." },
          { "The old ones must be from our Windows machines, so Windows-1252 I suppose. Please write a small script, $script, that converts the .txt files in place to UTF-8 with Unix line ends, and leave alone those that are already fine. There is also a logo.dat in the folder, please don't touch that.",
            "The broken ones come from old Windows computers. Could you convert them in place with a script that you keep as $script? Files that are already correct should not be rewritten, and logo.dat is not a text, it has to stay." }, v),
        repair = kit.ask({ "It crashed on the old encoding. Fall back to cp1252 and rerun." }, { "The script stopped at one of the old files. Could you make it fall back to the Windows encoding and run it again?" }, v),
        steps = {
          { id = "write", tool = "write", arguments = { path = v.script, content = script_first } },
          { id = "run1", tool = "exec", expect = "fail", arguments = { command = "python3 " .. v.script } },
          { id = "fix", tool = "edit", why = "As expected for an old file; decode those as Windows-1252.", arguments = { path = v.script, oldText = old_line, newText = new_lines } },
          { id = "run2", tool = "exec", arguments = { command = "python3 " .. v.script } },
        },
        reply = kit.say({ "The first run stopped at the first file that is not UTF-8 ({{run1.error}}). With a fallback to Windows-1252 it went through; since it had already handled the files before that one, some show as fine now:\n\n{{run2.all}}",
          "Converted. Result of the final run:\n\n{{run2.all}}\n\nBefore that I got a {{run1.error}}, because I had not allowed for the old encoding." }, v),
      },
      {
        id = "report",
        ask = kit.ask({ "Put a one-line confirmation in $report: 'N of $files files are UTF-8 with Unix line ends'.", "Write to $report: how many of the $files are clean now. Format: 'N of $files files are UTF-8 with Unix line ends'." },
          { "For our records, please check all of them again and write the outcome to $report in this form: N of $files files are UTF-8 with Unix line ends.",
            "Please check the folder once more and save the result in $report as one line that reads: N of $files files are UTF-8 with Unix line ends, with the real number of course." }, v),
        steps = {
          { id = "count", tool = "exec", why = "Count by checking, not by assuming.",
            arguments = { workdir = v.folder, command = "n=0; all=0; for f in *.txt; do all=$((all + 1)); iconv -f UTF-8 -t UTF-8 \"$f\" > /dev/null 2>&1 && ! grep -qU $'\\r' \"$f\" && n=$((n + 1)); done; echo \"$n of $all files are UTF-8 with Unix line ends\" | tee ../encoding-report.txt" } },
        },
        reply = kit.say({ "$report says: {{count.stdout}}.", "Checked again and saved in $report: {{count.stdout}}." }, v),
      },
    },
    verify = {
      steps = {
        { id = "sample", tool = "exec", arguments = { workdir = v.folder, command = "head -q -n 1 *.txt" } },
        { id = "report", tool = "exec", arguments = { command = "cat " .. v.report } },
      },
      reply = kit.say({ "The first line of each text in $folder, accents included:\n{{sample.all}}\nReport: {{report.stdout}}.", "{{report.stdout}}. A look at the beginnings, so you can see the accents:\n{{sample.all}}" }, v),
    },
  }
end

return task
