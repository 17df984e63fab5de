-- A folder of mixed files is sorted by extension; unfinished downloads must stay where they are.

local task = {
  id = "f9ed359d-5bce-420d-ac52-a43a676870c9",
  name = "Organize Folder By Type",
  description = "Sort the files of a cluttered folder into one subfolder per file type and list where each one went.",
  tools = { "exec", "read" },
}

local stems = {
  csv = { "vendor-list", "march hours", "badge_scans", "stock-count", "Q1 invoices" },
  txt = { "wifi-codes", "call notes", "todo", "packing list", "door-schedule" },
  md = { "handover", "meeting 14", "style-guide", "retro" },
  json = { "printer-settings", "export_meta", "room-map" },
  log = { "sync", "scanner", "backup-nas" },
  svg = { "floorplan", "logo old", "seating" },
  html = { "intranet copy", "menu-week-12" },
}

local bodies = {
  csv = function(kit) return kit.lines({ "name,count", kit.pick(kit.people) .. "," .. kit.int(2, 90), kit.pick(kit.people) .. "," .. kit.int(2, 90) }) end,
  txt = function(kit) return "Ask " .. kit.pick(kit.people) .. " about room " .. kit.int(101, 940) .. "\n" end,
  md = function(kit) return "# Notes\n\n- " .. kit.pick(kit.companies) .. " delivers on dock " .. kit.int(1, 9) .. "\n" end,
  json = function(kit) return ('{"site": "%s", "slots": %d}\n'):format(kit.pick(kit.cities), kit.int(4, 60)) end,
  log = function(kit) return ("ok %d files\nwarn: skipped %d\n"):format(kit.int(100, 999), kit.int(1, 9)) end,
  svg = function(kit) return ('<svg width="%d" height="%d"></svg>\n'):format(kit.int(100, 800), kit.int(100, 800)) end,
  html = function(kit) return "<p>Week " .. kit.int(1, 52) .. "</p>\n" end,
}

local function build(kit, base)
  local files, moved, kinds = {}, {}, {}
  local chosen = kit.sample({ "txt", "md", "json", "log", "svg", "html" }, kit.int(3, 4))
  table.insert(chosen, 1, "csv")
  local function put(name, body, folder)
    files[base .. "/" .. name] = body
    moved[#moved + 1] = { from = base .. "/" .. name, to = folder .. "/" .. name, body = body }
  end
  for _, kind in ipairs(chosen) do
    local names = kit.sample(stems[kind], kit.int(2, #stems[kind]))
    for i, stem in ipairs(names) do
      -- Half of the time the second file of a kind has a shouting extension.
      local ext = (i == 2 and (kind == "csv" or kit.chance(50))) and kind:upper() or kind
      put(stem .. "." .. ext, bodies[kind](kit), kind)
    end
    kinds[#kinds + 1] = kind
  end
  local bare = kit.sample({ "Makefile", "LICENCE", "hosts", "crontab" }, kit.int(1, 2))
  for _, name in ipairs(bare) do put(name, "# kept from the old machine\nvalue " .. kit.int(1, 999) .. "\n", "other") end
  return files, moved, kinds
end

function task.make(kit)
  local base = kit.pick({ "desk-dump", "handover-usb", "old-laptop", "shared-drop" }) .. "-" .. kit.pick(kit.cities):lower()
  local files, moved = build(kit, base)
  local parts = kit.int(2, 3)
  local part_files = {}
  for i, name in ipairs(kit.sample({ "installer.bin.part", "video-0412.mp4.part", "map tiles.zip.part", "mailbox.mbox.part" }, parts)) do
    part_files[i] = base .. "/" .. name
    files[base .. "/" .. name] = "incomplete " .. kit.int(1000, 9999) .. "\n"
  end
  local v = { base = base, parts = parts, index = base .. "/INDEX.txt" }

  local index, goals = {}, {}
  for _, m in ipairs(moved) do
    index[#index + 1] = m.to
    goals[#goals + 1] = { kind = "file_equals", path = base .. "/" .. m.to, content = m.body }
    goals[#goals + 1] = { kind = "file_absent", path = m.from }
  end
  table.sort(index)
  goals[#goals + 1] = { kind = "file_equals", path = v.index, content = kit.lines(index) }
  for _, path in ipairs(part_files) do goals[#goals + 1] = { kind = "unchanged", path = path } end

  local move = [[for f in *; do
  [ -f "$f" ] || continue
  case "$f" in
    *.part) continue ;;
    *.*) kind=$(printf '%s' "${f##*.}" | tr 'A-Z' 'a-z') ;;
    *) kind=other ;;
  esac
  mkdir -p "$kind" && mv -n -- "$f" "$kind/"
done]]

  return {
    values = { folder = base, unfinished = parts, index = v.index },
    request = kit.say({
      "sort $base into one subfolder per lower-case file type, skip its $parts .part downloads, and list every new path in $index",
      "tidy $base by file type (lower-case folder names), leave the $parts .part files where they are and write the result to $index",
    }, v),
    fixture = { files = files },
    goals = goals,
    stages = {
      {
        id = "survey",
        ask = kit.ask(
          { "What file types are in $base, and how many of each?", "Give me a count per extension for $base. Don't move anything yet.",
            "$base is a mess. Start with a breakdown by file type." },
          { "There is a folder called $base with everything from an old machine thrown into it. Before anything moves, can you tell me which file types are in there and how many of each?",
            "I inherited a folder, $base, and I honestly don't know what is in it. Please start by counting the files per type, upper and lower case together, and leave them where they are for now." }, v),
        steps = {
          { id = "list", tool = "exec", why = "See every name first; some may have spaces or no extension.",
            arguments = { command = "ls -1A", workdir = base } },
          { id = "count", tool = "exec", why = "Extensions come in both cases, so fold them before counting.",
            arguments = { workdir = base, command = [[for f in *; do case "$f" in *.*) echo "${f##*.}" ;; *) echo "(none)" ;; esac; done | tr 'A-Z' 'a-z' | sort | uniq -c | sort -k1,1nr -k2]] } },
        },
        reply = kit.say({
          "$base holds {{list.lines}} files. By type, with upper and lower case counted together:\n\n{{count.all}}\n\nNothing has been moved.",
          "{{list.lines}} files in all:\n\n{{count.all}}\n\nSome names contain spaces and a few have no extension, which matters for the move. I have only looked so far.",
        }, v),
      },
      {
        id = "move",
        ask = kit.ask(
          { "Move them: one folder per type, lower case. No extension goes to other. Leave the .part files.",
            "Sort them into lower-case type folders, no-extension ones into other/. The .part files stay put." },
          { "Now please put each file into a subfolder of $base named after its type in lower case, so .CSV and .csv end up together. Files without an extension can go into a folder called other. The $parts .part files are downloads that still have to finish, so they must not be touched.",
            "Now the actual sorting: one subfolder per type inside $base, always lower case, and a folder named other for files that have no extension. Please don't touch the $parts files that end in .part, a download is still attached to them." }, v),
        repair = kit.ask(
          { "That move didn't go through. Create the folders first, then redo it.", "Failed. Make the target folders, then move." },
          { "It looks like the move did not work. Could the folders be created first, and then the files moved again?" }, v),
        steps = {
          { id = "naive", tool = "exec", expect = "fail", why = "Take the spreadsheets first.",
            arguments = { workdir = base, command = "mv -n *.csv *.CSV csv/" } },
          { id = "sort", tool = "exec", why = "The target folders have to exist. A loop can create each one, fold the case and skip .part.",
            arguments = { workdir = base, command = move } },
          { id = "check", tool = "exec", why = "See where everything ended up.",
            arguments = { workdir = base, command = "find . -type f | sed 's|^\\./||' | LC_ALL=C sort" } },
        },
        reply = kit.say({
          "The first mv failed because the csv folder did not exist yet ({{naive.error}}), and moved nothing. I then created the folders as needed and sorted everything. Current layout:\n\n{{check.all}}\n\nThe $parts .part files are still at the top of $base.",
          "Sorted. One attempt went wrong on the way: I tried to move into csv/ before creating it, so nothing happened that time. Now it looks like this:\n\n{{check.all}}",
        }, v),
      },
      {
        id = "index",
        ask = kit.ask(
          { "Now the list: $index, one path per line, sorted, relative to $base.", "Write the new paths to $index. Sorted, relative, one per line, moved files only." },
          { "Please write a plain list of the moved files to $index, one per line and sorted, with the path as seen from inside $base. The .part files don't belong in the list.",
            "Now I need something I can hand to my colleague: a file $index with the new path of every moved file, sorted, one per line, starting at the type folder. Skip the .part files please." }, v),
        steps = {
          { id = "write", tool = "exec", why = "Only files below a type folder were moved, so start at depth 2.",
            arguments = { workdir = base, command = "find . -mindepth 2 -type f | sed 's|^\\./||' | LC_ALL=C sort > INDEX.txt && wc -l < INDEX.txt" } },
          { id = "show", tool = "read", why = "Read it back rather than assume.", arguments = { path = v.index } },
        },
        reply = kit.say({ "$index is written, {{write.stdout}} lines:\n\n{{show.all}}", "Done: {{write.stdout}} moved files are listed in $index. It starts with {{show.line1}}." }, v),
      },
    },
    verify = {
      steps = {
        { id = "top", tool = "exec", arguments = { workdir = base, command = "find . -maxdepth 1 -type f | sed 's|^\\./||' | LC_ALL=C sort" } },
        { id = "lost", tool = "exec", arguments = { workdir = base, command = [[while IFS= read -r p; do [ -f "$p" ] || echo "missing: $p"; done < INDEX.txt; echo "checked $(wc -l < INDEX.txt) paths"]] } },
      },
      reply = kit.say({ "In $base, every path of INDEX.txt exists ({{lost.last}}), and only these are left at the top:\n{{top.all}}",
        "$base checks out: {{lost.last}}, none missing. At the top level there are just the index and the unfinished downloads:\n{{top.all}}" }, v),
    },
  }
end

return task
