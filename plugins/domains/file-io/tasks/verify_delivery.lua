-- A delivery comes with a checksum list. One file is damaged and one is missing; a stray file is not on the list.

local task = {
  id = "4389b502-933c-4a3b-a731-e807be6d2437",
  name = "Verify Delivery Checksums",
  description = "Check a delivered folder against its checksum list, set damaged files aside and write a list for what is really there.",
  tools = { "exec", "write", "read" },
}

local kinds = { "plan", "survey", "photo-index", "quote", "protocol", "material-list", "schedule", "cover-letter", "drawing" }

function task.make(kit)
  local base = kit.pick({ "delivery", "handoff", "shipment-docs", "tender" }) .. "-" .. kit.pick({ "ax", "kt", "mn", "rv" }) .. kit.int(100, 999)
  local names = kit.sample(kinds, kit.int(6, 8))
  table.sort(names)
  local files, listed = {}, {}
  for _, name in ipairs(names) do
    local file = ("%s-%s.txt"):format(name, kit.pick({ "a", "b", "c" }))
    files[("%s/files/%s"):format(base, file)] = ("%s\nProject %s\nSheet %d of %d\nChecked by %s\n")
      :format(kit.title(name), base:upper(), kit.int(1, 4), kit.int(5, 9), kit.pick(kit.people))
    listed[#listed + 1] = file
  end
  local odd = kit.sample(listed, 2)
  local damaged, missing = odd[1], odd[2]
  local stray = "thumbs-" .. kit.int(10, 99) .. ".tmp"
  local v = { base = base, damaged = damaged, missing = missing, stray = stray, total = #listed, list = base .. "/SHA256SUMS",
    fresh = base .. "/SHA256SUMS.received", quarantine = base .. "/quarantine", report = base .. "/discrepancies.txt", folder = base .. "/files" }

  -- The list is made of the good files; then one is cut short, one disappears, and one comes uninvited.
  local commands = {
    { "sh", "-c", ("cd %s/files && LC_ALL=C sha256sum *.txt > ../SHA256SUMS"):format(base) },
    { "sh", "-c", ("cd %s/files && head -c -9 %s > .t && cat .t > %s && rm .t %s && echo cache > %s"):format(base, damaged, damaged, missing, stray) },
  }
  local goals = {
    { kind = "unchanged", path = v.list },
    { kind = "file_exists", path = ("%s/%s"):format(v.quarantine, damaged) },
    { kind = "file_absent", path = ("%s/%s"):format(v.folder, damaged) },
    { kind = "file_equals", path = v.report, content = ("damaged %s\nmissing %s\nunlisted %s\n"):format(damaged, missing, stray) },
    { kind = "command", argv = { "sh", "-c", ("cd %s && sha256sum -c --quiet ../SHA256SUMS.received && wc -l < ../SHA256SUMS.received"):format(v.folder) }, stdout = tostring(#listed - 2) },
  }
  for _, file in ipairs(listed) do
    if file ~= damaged and file ~= missing then goals[#goals + 1] = { kind = "unchanged", path = ("%s/%s"):format(v.folder, file) } end
  end

  return {
    values = { folder = v.folder, list = v.list, report = v.report },
    request = kit.say({
      "check $folder against $list, move damaged files to $quarantine and write what is wrong to $report",
      "verify the delivery in $folder with $list, put damaged files into $quarantine and record all discrepancies in $report",
    }, v),
    fixture = { files = files, commands = commands },
    goals = goals,
    stages = {
      {
        id = "check",
        ask = kit.ask({ "Check $folder against $list. What doesn't match?", "Verify $list over $folder and tell me what fails, what's missing, what's extra." },
          { "A contractor sent us a folder, $folder, together with a checksum list, $list. Could you check whether everything has arrived intact? Please also mention files that are not on the list.",
            "I received $total documents in $folder, at least that is what the list $list says. I am not sure that the upload was complete. Can you verify them and tell me what is wrong, including files that should not be there?" }, v),
        steps = {
          { id = "wrong", tool = "exec", expect = "fail", arguments = { command = ("sha256sum -c %s"):format(v.list) } },
          { id = "check", tool = "exec", why = "The list has bare file names, so it has to run inside the folder. It exits with 1 when anything is off; keep that and look at the lines.",
            arguments = { workdir = v.folder, command = "sha256sum -c ../SHA256SUMS 2>/dev/null | grep -v ': OK$' | LC_ALL=C sort" } },
          { id = "extra", tool = "exec", arguments = { workdir = v.folder, command = "ls -1 | LC_ALL=C sort | grep -vxF \"$(awk '{ print $2 }' ../SHA256SUMS)\"" } },
        },
        reply = kit.say({ "Not everything arrived intact:\n\n{{check.all}}\n\nOne file is damaged, one could not be opened because it is missing, and {{extra.stdout}} is not on the list. (My first call ran in the wrong directory and found nothing, please ignore that.)",
          "The check inside $folder gives:\n\n{{check.all}}\n\nThat is one with a wrong checksum and one that is not there at all. Not on the list: {{extra.stdout}}." }, v),
      },
      {
        id = "aside",
        ask = kit.ask({ "Move $damaged to $quarantine. Then $report: 'damaged X', 'missing X', 'unlisted X', one per line.", "Quarantine $damaged in $quarantine and log the three findings in $report as: damaged/missing/unlisted, space, file name." },
          { "Please move $damaged out of the way into $quarantine, and then write the findings to $report, with three lines: damaged, missing and unlisted, each followed by a space and the name of the file.",
            "Please put the damaged file into a folder $quarantine so nobody uses it, and note the problems in $report like this: the word damaged, missing or unlisted, a space, the file name, one per line in that order." }, v),
        repair = kit.ask({ "That failed, create $quarantine first." }, { "The move did not work, I think the folder has to be created first. Could you do that?" }, v),
        steps = {
          { id = "move", tool = "exec", arguments = { command = ("mkdir -p %s && mv -n %s/%s %s/ && ls %s"):format(v.quarantine, v.folder, damaged, v.quarantine, v.quarantine) } },
          { id = "note", tool = "write", arguments = { path = v.report, content = ("damaged %s\nmissing %s\nunlisted %s\n"):format(damaged, missing, stray) } },
        },
        reply = kit.say({ "{{move.stdout}} is in $quarantine now, and $report has the three findings. The stray $stray is still where it was, you did not ask me to remove it.",
          "Moved {{move.stdout}} to $quarantine and wrote $report. I have not deleted anything." }, v),
      },
      {
        id = "fresh",
        ask = kit.ask({ "New checksum list of the good ones: $fresh, bare names, .txt only.", "Generate $fresh for the remaining .txt files in $folder. Keep the original list." },
          { "Please create a new checksum list for the documents that did arrive, the .txt files in $folder, and call it $fresh. The contractor's own list should stay as it was.",
            "Could you now write a checksum list of the .txt files that are in $folder, in the same format as theirs, to $fresh? I will send it back as a confirmation, so please don't modify $list." }, v),
        steps = {
          { id = "make", tool = "exec", arguments = { workdir = v.folder, command = "LC_ALL=C sha256sum *.txt > ../SHA256SUMS.received && wc -l < ../SHA256SUMS.received" } },
          { id = "test", tool = "exec", arguments = { workdir = v.folder, command = "sha256sum -c ../SHA256SUMS.received" } },
        },
        reply = kit.say({ "$fresh lists {{make.stdout}} files and every one of them verifies:\n\n{{test.all}}", "{{make.stdout}} entries are in $fresh, checked right away:\n\n{{test.all}}" }, v),
      },
    },
    verify = {
      steps = {
        { id = "same", tool = "exec", arguments = { command = ("grep -F -x -c -f %s %s"):format(v.fresh, v.list) } },
        { id = "report", tool = "read", arguments = { path = v.report } },
      },
      reply = kit.say({ "{{same.stdout}} checksums of the new list are the same as in the contractor's list for $base. The report reads:\n{{report.all}}", "For $base, {{same.stdout}} lines agree between the two lists, and the findings are on record:\n{{report.all}}" }, v),
    },
  }
end

return task
