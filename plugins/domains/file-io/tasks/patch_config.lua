-- Three values of a service configuration change; comments, order and the sibling configuration stay as they are.

local task = {
  id = "03ecb380-758f-4f78-a051-80fe339ca5f0",
  name = "Patch Service Configuration",
  description = "Change a few values of a commented configuration file, keep a backup and record the change as a unified diff.",
  tools = { "exec", "read", "edit" },
  skills = { "patch-by-hand" },
}

local function config(v, port, pool, timeout, flag, site)
  return ([[# %s service, %s
# Owner: %s. Ask before touching [listen].

[listen]
address = 127.0.0.1
port = %d
timeout = 30        ; seconds, client side

[database]
host = db-%s.internal
pool_size = %d
timeout = %d        ; seconds, per statement

[features]
%s = %s
audit_log = yes
]]):format(v.service, site, v.owner, port, v.site, pool, timeout, v.flag, flag)
end

function task.make(kit)
  local v = {
    service = kit.pick({ "billing", "roster", "tickets", "warehouse", "kiosk" }),
    site = kit.pick(kit.cities):lower(),
    owner = kit.pick(kit.people),
    flag = kit.pick({ "bulk_import", "partial_refunds", "night_mode", "csv_preview" }),
    old_port = 8000 + kit.int(1, 99), port = 9000 + kit.int(100, 899),
    old_pool = kit.int(4, 10), pool = kit.int(16, 48),
    timeout = kit.pick({ 45, 60, 75, 90, 120 }),
  }
  v.base = v.service .. "-conf"
  v.file = v.base .. "/production.ini"
  v.backup = v.file .. ".orig"
  v.diff = v.base .. "/change.diff"

  local before = config(v, v.old_port, v.old_pool, 30, "no", "production")
  local after = config(v, v.port, v.pool, v.timeout, "no", "production")
  local staging = config(v, v.old_port + 1000, 3, 30, "yes", "staging")

  return {
    values = { file = v.file, port = v.port, pool = v.pool, timeout = v.timeout },
    request = kit.say({
      "in $file set the port to $port, the database pool to $pool and the database timeout to $timeout, with a backup and a diff in $diff",
      "change $file (port $port, pool_size $pool, database timeout $timeout), keep the original as $backup and store a unified diff in $diff",
    }, v),
    fixture = { files = { [v.file] = before, [v.base .. "/staging.ini"] = staging, [v.base .. "/README"] = "Edit production.ini only in the change window.\n" } },
    goals = {
      { kind = "file_equals", path = v.file, content = after },
      { kind = "file_equals", path = v.backup, content = before },
      { kind = "unchanged", path = v.base .. "/staging.ini" },
      { kind = "unchanged", path = v.base .. "/README" },
      { kind = "file_contains", path = v.diff, text = ("\n-port = %d\n+port = %d\n"):format(v.old_port, v.port) },
      { kind = "file_contains", path = v.diff, text = ("+timeout = %d        ; seconds, per statement\n"):format(v.timeout) },
      { kind = "command", argv = { "grep", "-c", "^+[^+]", v.diff }, stdout = "3" },
    },
    stages = {
      {
        id = "backup",
        ask = kit.ask(
          { "Back up $file as production.ini.orig and show me the current port, pool_size and timeouts.", "Copy $file to $backup first. Then tell me what port, pool and timeouts are set to." },
          { "I have to change a few settings of the $service service. Before anything else, please make a copy of $file as $backup, and then tell me which port, pool size and timeouts are set at the moment.",
            "Tonight is the change window for $service and I would like to be careful. Could you first save $file under the name $backup and read me the present port, pool_size and both timeouts?" }, v),
        steps = {
          { id = "copy", tool = "exec", why = "A backup first, and a check that it is the same.", arguments = { command = ("cp -p %s %s && cmp %s %s && echo identical"):format(v.file, v.backup, v.file, v.backup) } },
          { id = "grep", tool = "exec", arguments = { command = "grep -nE '^(\\[|port|pool_size|timeout)' " .. v.file } },
        },
        reply = kit.say({ "The copy is in $backup ({{copy.stdout}}). The settings at the moment, with line numbers:\n\n{{grep.all}}\n\nThere are two timeouts, one under [listen] and one under [database].",
          "Saved as $backup. Here is what is set now:\n\n{{grep.all}}\n\nMind that timeout occurs in two sections." }, v),
      },
      {
        id = "change",
        ask = kit.ask(
          { "Set port $port, pool_size $pool, and the database timeout to $timeout. Client timeout stays 30.", "Apply: port=$port, pool_size=$pool, [database] timeout=$timeout. Nothing else, comments stay." },
          { "Please set the port to $port, the pool size to $pool and the timeout of the database section to $timeout. The other timeout, the one for clients, has to stay at 30, and please don't lose the comments.",
            "The new values are: port $port, pool_size $pool, and $timeout seconds for the database timeout only. Everything else, including the comments and $flag, should stay exactly as it is." }, v),
        repair = kit.ask({ "One of those edits failed. Only the [database] timeout, please." }, { "One of the changes seems to have failed. It is the timeout in the database section that I mean, could you try again?" }, v),
        steps = {
          { id = "port", tool = "edit", arguments = { path = v.file, oldText = ("port = %d"):format(v.old_port), newText = ("port = %d"):format(v.port) } },
          { id = "pool", tool = "edit", together = true, arguments = { path = v.file, oldText = ("pool_size = %d"):format(v.old_pool), newText = ("pool_size = %d"):format(v.pool) } },
          { id = "loose", tool = "edit", expect = "fail", arguments = { path = v.file, oldText = "timeout = 30", newText = ("timeout = %d"):format(v.timeout) } },
          { id = "exact", tool = "edit", why = "The text is there twice. The comment makes the database line unique.",
            arguments = { path = v.file, oldText = "timeout = 30        ; seconds, per statement", newText = ("timeout = %d        ; seconds, per statement"):format(v.timeout) } },
          { id = "grep", tool = "exec", arguments = { command = "grep -nE '^(\\[|port|pool_size|timeout)' " .. v.file } },
        },
        reply = kit.say({ "All three values are in. The timeout needed a second try, because \"timeout = 30\" occurs twice and the edit was refused until I pinned it to the database line. Now:\n\n{{grep.all}}",
          "Changed:\n\n{{grep.all}}\n\nThe client timeout is still 30. My first edit of the timeout matched two places and was rejected, so nothing wrong got in." }, v),
      },
      {
        id = "diff",
        ask = kit.ask(
          { "Put a unified diff against the .orig into $diff.", "Now the unified diff, $backup to $file, saved as $diff." },
          { "For the change ticket I need a unified diff between $backup and $file; please save it as $diff and show it to me.",
            "Our change board wants to see the difference, so please write a unified diff from $backup to $file into $diff." }, v),
        repair = kit.ask({ "diff exits 1 when files differ; just make sure $diff is there." }, { "That ended with an error. I only need the diff file, could you look at what happened?" }, v),
        steps = {
          { id = "diff", tool = "exec", why = "Fixed labels keep timestamps out of the patch. diff exits with 1 when the files differ, which is what we want.",
            arguments = { workdir = v.base, command = "diff -u --label production.ini.orig --label production.ini production.ini.orig production.ini > change.diff; test $? -eq 1" } },
          { id = "show", tool = "read", arguments = { path = v.diff } },
        },
        reply = kit.say({ "$diff is saved:\n\n{{show.all}}", "Here is the diff, also in $diff. Three lines change and nothing else:\n\n{{show.all}}" }, v),
      },
    },
    verify = {
      steps = {
        { id = "count", tool = "exec", arguments = { command = ("grep -c '^+[^+]' %s"):format(v.diff) } },
        { id = "value", tool = "exec", arguments = { command = ("grep -nE '^(port|pool_size|timeout)' %s"):format(v.file) } },
      },
      reply = kit.say({ "$file: {{count.stdout}} changed lines in the diff, and the file says\n{{value.all}}", "Rechecked $file, {{count.stdout}} lines differ from the backup:\n{{value.all}}" }, v),
    },
  }
end

return task
