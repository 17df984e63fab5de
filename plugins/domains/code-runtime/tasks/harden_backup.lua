-- A copy script that loses files with spaces in their names and still says that all is well.

local task = {
  id = "64828ec8-371c-47cb-a958-aa1694ca404e",
  name = "Harden Shell Script",
  description = "Make a fragile shell script robust: quoting, checks of its arguments, exit codes that tell the truth.",
  tools = { "exec", "read", "write" },
}

local fragile = [[
#!/bin/bash
# copies everything from one folder to another
SRC=$1
DST=$2
for f in $(ls $SRC); do
  cp $SRC/$f $DST
done
echo copied
]]

local robust = [[
#!/bin/bash
# Copies every file of one folder into another, which is created when needed.
# usage: copy.sh SOURCE TARGET
set -euo pipefail

if [ $# -ne 2 ]; then
  echo "usage: $0 SOURCE TARGET" >&2
  exit 2
fi
src=$1
dst=$2
if [ ! -d "$src" ]; then
  echo "$0: $src is not a directory" >&2
  exit %d
fi

mkdir -p -- "$dst"
count=0
for file in "$src"/*; do
  [ -f "$file" ] || continue
  cp -p -- "$file" "$dst/"
  count=$((count + 1))
done
echo "copied $count files"
]]

local spaced = { "annual report.txt", "price list 2024.csv", "floor plan.svg", "staff rota.txt", "old contract (signed).txt" }
local simple = { "readme.txt", "rates.csv", "rules.md", "contacts.csv", "codes.txt" }

function task.make(kit)
  local base = kit.pick({ "nightly-copy", "office-backup", "branch-sync", "lab-copy" }) .. "-" .. kit.int(2, 60)
  local source = kit.pick({ "inbox", "documents", "to-keep" })
  local names = {}
  for _, n in ipairs(kit.sample(spaced, kit.int(2, 4))) do names[#names + 1] = n end
  for _, n in ipairs(kit.sample(simple, kit.int(2, 4))) do names[#names + 1] = n end
  local code = kit.pick({ 3, 4, 66 })
  local v = { base = base, script = base .. "/copy.sh", source = source, target = kit.pick({ "safe", "archive", "mirror" }), count = #names, code = code }

  local files, goals = { [v.script] = fragile }, {}
  for _, name in ipairs(names) do
    local path = ("%s/%s/%s"):format(base, source, name)
    files[path] = ("%s\nkept for %s\n%d\n"):format(name, kit.pick(kit.companies), kit.int(100, 9999))
    goals[#goals + 1] = { kind = "unchanged", path = path }
    goals[#goals + 1] = { kind = "file_equals", path = ("%s/%s/%s"):format(base, v.target, name), content = files[path] }
  end
  goals[#goals + 1] = { kind = "mode", path = v.script, mode = 493 }
  goals[#goals + 1] = { kind = "file_contains", path = v.script, text = "set -euo pipefail" }
  goals[#goals + 1] = { kind = "command", argv = { "sh", "-c", ("cd %s && ./copy.sh only-one 2>/dev/null"):format(base) }, exit_code = 2 }
  goals[#goals + 1] = { kind = "command", argv = { "sh", "-c", ("cd %s && ./copy.sh no-such-folder x 2>/dev/null"):format(base) }, exit_code = code }
  goals[#goals + 1] = { kind = "file_absent", path = base .. "/no-such-folder" }

  return {
    values = { script = v.script, target = v.target, code = code },
    request = kit.say({
      "make $script safe for names with spaces, let it exit with 2 on wrong usage and $code on a missing folder, and fill $target with it",
      "harden $script (spaces in names, exit code 2 for bad usage, $code for a missing source) and use it to copy everything to $target",
    }, v),
    fixture = { files = files, modes = { [v.script] = 420 } },
    goals = goals,
    stages = {
      {
        id = "observe",
        ask = kit.ask({ "Run $script on $source into $target and tell me what it gets wrong.", "Try $script from $source to $target. I don't trust its 'copied'." },
          { "We have a little script, $script, that copies the folder $source beside it to $target. Somebody told me that files go missing now and then. Could you run it once and see what happens?",
            "Every evening somebody runs $script to copy $source to $target. It always says copied, but I believe that is not true. Please try it in its folder and tell me what you observe." }, v),
        steps = {
          { id = "first", tool = "exec", expect = "fail", arguments = { workdir = base, command = ("mkdir -p %s && ./copy.sh %s %s"):format(v.target, source, v.target) } },
          { id = "bash", tool = "exec", why = "No execute bit. Run it through bash to see what it does.", arguments = { workdir = base, command = ("bash copy.sh %s %s; echo \"exit code $?\"; ls -1 %s | wc -l"):format(source, v.target, v.target) } },
          { id = "source", tool = "read", arguments = { path = v.script } },
        },
        reply = kit.say({ "First, it isn't executable (exit code {{first.exit_code}}). Run through bash, it ends like this:\n\n{{bash.all}}\n\nSo it says copied and exits with 0 although only {{bash.last}} of $count files arrived. The variables are not quoted and the list comes from ls, so every name with a space falls apart.",
          "Only {{bash.last}} of the $count files arrived, and it still reports success:\n\n{{bash.all}}\n\nCause: unquoted variables and looping over the output of ls. It also lacks the execute permission." }, v),
      },
      {
        id = "rewrite",
        ask = kit.ask({ "Rewrite it: quoted, set -euo pipefail, exit 2 on wrong argument count, $code if the source is missing. Executable. Prove both exit codes.",
            "Fix it properly. Strict mode, quoting, usage -> 2, missing source -> $code, chmod 755. Test the two error paths." },
          { "Please rewrite the script so that it copes with any file name and stops at the first error (set -euo pipefail). With a wrong number of arguments it should exit with code 2 and a usage line, with a missing source folder with code $code. It should be executable too. Then try both error cases and show me the codes.",
            "Could you make it robust? It should use set -euo pipefail, quote everything, exit with 2 when it is called with the wrong number of arguments and with $code when the source folder does not exist. Please make it executable as well, and test both of those cases." }, v),
        steps = {
          { id = "write", tool = "write", arguments = { path = v.script, content = robust:format(code) } },
          { id = "mode", tool = "exec", arguments = { command = ("chmod 755 %s && bash -n %s && echo syntax ok"):format(v.script, v.script) } },
          { id = "usage", tool = "exec", expect = "fail", why = "This should be refused with 2.", arguments = { workdir = base, command = "./copy.sh " .. source } },
          { id = "missing", tool = "exec", expect = "fail", why = "And this with the other code.", arguments = { workdir = base, command = "./copy.sh no-such-folder " .. v.target } },
          { id = "none", tool = "exec", why = "A refused run must not leave a folder behind.", arguments = { workdir = base, command = "test ! -e no-such-folder && echo 'nothing created'" } },
        },
        reply = kit.say({ "Rewritten and executable. One argument gives exit code {{usage.exit_code}} ({{usage.error}}), a missing source gives {{missing.exit_code}} ({{missing.error}}), and {{none.stdout}} by either.",
          "The new version is in place, mode 755. Both error paths do what you asked: code {{usage.exit_code}} with \"{{usage.error}}\", and code {{missing.exit_code}} with \"{{missing.error}}\"." }, v),
      },
      {
        id = "copy",
        ask = kit.ask({ "Now the real copy, $source to $target. Compare both sides.", "Run it for real and diff $source against $target." },
          { "Now please run the real copy from $source to $target and compare the two folders afterwards, so that we can be sure that nothing is missing.",
            "Then let's do it properly: copy $source to $target with the new script, and check that the folders are the same." }, v),
        steps = {
          { id = "run", tool = "exec", arguments = { workdir = base, command = ("./copy.sh %s %s"):format(source, v.target) } },
          { id = "diff", tool = "exec", arguments = { workdir = base, command = ("diff -r %s %s && echo 'no difference'"):format(source, v.target) } },
        },
        reply = kit.say({ "The script reports: {{run.stdout}}. diff over both folders: {{diff.stdout}}.", "{{run.stdout}}, and comparing $source with $target gives {{diff.stdout}}." }, v),
      },
    },
    verify = {
      steps = {
        { id = "count", tool = "exec", arguments = { workdir = base, command = ("echo $(ls -1 %s | wc -l) in the source, $(ls -1 %s | wc -l) in the copy"):format(source, v.target) } },
        { id = "mode", tool = "exec", arguments = { workdir = base, command = "stat -c '%a %n' copy.sh && ./copy.sh 2>&1 | head -n 1" } },
      },
      reply = kit.say({ "$base: {{count.stdout}}. The script has mode {{mode.stdout}} and answers a call without arguments with \"{{mode.line2}}\".", "$base: {{count.stdout}}. copy.sh is executable ({{mode.stdout}})." }, v),
    },
  }
end

return task
