local t = require("@test")

t.describe("scripted", function()
  local function stages()
    return {
      {
        id = "count", task = "Count", task_index = 1,
        steps = {
          { id = "look", tool = "exec", arguments = { command = "ls" }, why = "First a look." },
          { id = "more", tool = "exec", arguments = { command = "ls -a" }, together = true },
          { id = "try", tool = "exec", arguments = { command = "wc -l x" }, expect = "fail" },
          { id = "fix", tool = "exec", arguments = { command = "wc -l y" }, when = { after = "try", outcome = "failed" } },
        },
        reply = "{{fix.stdout}} lines; the first file is {{look.stdout}}.",
        repair = { brief = "Again.", full = "Please try again.", steps = { { id = "again", tool = "read", arguments = { path = "y" } } }, reply = "Read {{again.all}}." },
        verify = { steps = { { id = "check", tool = "exec", arguments = { command = "true" } } }, reply = "Still {{check.exit_code}}." },
      },
    }
  end
  local function next_move(results, stage, user)
    return t.call("next", { stages = stages(), stage = stage or "count", user = user, results = json.array(results) })
  end
  local ok = { ok = true, stdout = "a.txt\nb.txt\n", exit_code = 0 }
  local failed = { ok = false, stdout = "", text = "wc: x: No such file\n[exit code 1]", exit_code = 1 }

  t.it("sends steps that belong together in one message", function()
    local move = next_move({})
    t.equal(#move.calls, 2)
    t.same(move.calls[2], { name = "exec", arguments = { command = "ls -a" } })
    t.equal(move.reasoning, "First a look.")
  end)

  t.it("goes on from the results, and recovers from a planned failure", function()
    t.equal(next_move({ ok, ok }).calls[1].arguments.command, "wc -l x")
    t.equal(next_move({ ok, ok, failed }).calls[1].arguments.command, "wc -l y")
    t.equal(next_move({ ok, ok, failed, { ok = true, stdout = "3 y\n" } }).say, "3 y lines; the first file is a.txt.")
  end)

  t.it("admits a failure that was not planned", function()
    local move = next_move({ failed })
    t.equal(move.say, "I could not finish this. `exec ls` failed with: wc: x: No such file. I have not tried anything beyond that point.")
  end)

  t.it("repairs when it is asked to, and checks in the end", function()
    t.equal(next_move({}, "count", "Hm. Please try again.").calls[1].name, "read")
    t.equal(next_move({ { ok = true, stdout = "x\n", exit_code = 0 } }, "verify").say, "Still 0.")
  end)

  t.it("stops without a playbook", function()
    t.is_true(t.call("next", { stages = json.array({}) }).stop ~= nil)
    t.contains(next_move({}, "nowhere").stop, "no steps for the stage nowhere")
  end)
end)
