-- Three near-identical price functions get one helper. The given tests must stay as they are and must pass.

local task = {
  id = "37f739aa-ca5f-4709-a62f-b966aa1aabf2",
  name = "Refactor With Tests",
  description = "Remove duplicated code from a module while its unit tests keep passing, then add a function with a test of its own.",
  tools = { "exec", "read", "write" },
  skills = { "patch-by-hand" },
}

local original = [=[
"""Prices of the $shop."""
from decimal import ROUND_HALF_UP, Decimal


def $a_price(amount):
    amount = Decimal(amount)
    if amount < 0:
        raise ValueError("amount must not be negative")
    return (amount * Decimal("$ra")).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def $b_price(amount):
    amount = Decimal(amount)
    if amount < 0:
        raise ValueError("amount must not be negative")
    return (amount * Decimal("$rb")).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def $c_price(amount):
    amount = Decimal(amount)
    if amount < 0:
        raise ValueError("amount must not be negative")
    return (amount * Decimal("$rc")).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
]=]

local tests = [=[
import unittest
from decimal import Decimal

import pricing


class PricingTest(unittest.TestCase):
    def test_$a(self):
        self.assertEqual(pricing.$a_price("$xa"), Decimal("$ya"))

    def test_$b(self):
        self.assertEqual(pricing.$b_price("$xb"), Decimal("$yb"))

    def test_$c(self):
        self.assertEqual(pricing.$c_price("$xc"), Decimal("$yc"))

    def test_half_cents_go_up(self):
        self.assertEqual(pricing.$a_price("$xh"), Decimal("$yh"))

    def test_negative_amounts_are_refused(self):
        for price in (pricing.$a_price, pricing.$b_price, pricing.$c_price):
            with self.assertRaises(ValueError):
                price("-1")


if __name__ == "__main__":
    unittest.main()
]=]

-- %s: how the helper rounds. The first try forgets the rounding mode, and the test for half cents catches it.
local refactored = [=[
"""Prices of the $shop."""
from decimal import $import

CENT = Decimal("0.01")


def _scaled(amount, factor):
    """The amount times the factor, in whole cents; half a cent counts as one."""
    amount = Decimal(amount)
    if amount < 0:
        raise ValueError("amount must not be negative")
    return (amount * Decimal(factor)).quantize($round)


def $a_price(amount):
    return _scaled(amount, "$ra")


def $b_price(amount):
    return _scaled(amount, "$rb")


def $c_price(amount):
    return _scaled(amount, "$rc")
]=]

local addition = [=[


def $d_price(amount):
    return _scaled(amount, "$rd")
]=]

local new_test = [=[
import unittest
from decimal import Decimal

import pricing


class $DPriceTest(unittest.TestCase):
    def test_factor(self):
        self.assertEqual(pricing.$d_price("$xd"), Decimal("$yd"))

    def test_negative_amounts_are_refused(self):
        with self.assertRaises(ValueError):
            pricing.$d_price("-0.01")


if __name__ == "__main__":
    unittest.main()
]=]

-- cents times a factor in hundredths, half up, as text
local function scaled(kit, cents, percent)
  return kit.money((cents * percent + 50) // 100)
end

-- Runs the tests without leaving byte code behind; the time taken differs from run to run and is cut off.
local function run_tests(base, pattern)
  return { workdir = base, command = ("set -o pipefail; python3 -B -m unittest discover -p '%s' 2>&1 | sed -E 's/ in [0-9.]+s$//'"):format(pattern) }
end

function task.make(kit)
  local names = kit.sample({ "staff", "student", "bulk", "weekend", "partner", "early", "outlet", "club" }, 4)
  local v = { shop = kit.pick({ "museum shop", "garden centre", "bakery", "cinema", "ski rental", "print shop" }), a = names[1], b = names[2], c = names[3], d = names[4] }
  v.D, v.addition = kit.title(v.d), v.d .. "_price"
  v.base = "pricing-" .. v.shop:gsub(" ", "-")
  local rates = kit.sample({ 55, 65, 75, 78, 85, 90, 95, 70 }, 4)
  for i, key in ipairs({ "a", "b", "c", "d" }) do
    local cents = kit.int(500, 48000)
    v["r" .. key], v["x" .. key], v["y" .. key] = ("0.%02d"):format(rates[i]), kit.money(cents), scaled(kit, cents, rates[i])
  end
  -- Half a cent above an even cent: banker's rounding would go down, the shop goes up. 0.x5 * y lands on .5 when
  -- cents * rate = 50 (mod 200).
  local half
  for cents = kit.int(101, 400), 4000 do
    if cents * rates[1] % 200 == 50 then half = cents break end
  end
  v.xh, v.yh = kit.money(half), scaled(kit, half, rates[1])
  v.module, v.tests, v.new = v.base .. "/pricing.py", v.base .. "/test_pricing.py", ("%s/test_%s.py"):format(v.base, v.d)

  local function code(text, import, round)
    v.import, v.round = import, round
    text = text:gsub("%$DPrice", v.D .. "Price"):gsub("%$(%l)_price", function(key) return v[key] .. "_price" end)
    return kit.fill(text, v)
  end

  return {
    values = { module = v.module, tests = v.tests, addition = v.d .. "_price", factor = v.rd },
    request = kit.say({
      "remove the duplication in $module with $tests unchanged and green, then add $addition (factor $rd) with its own test",
      "refactor $module into one helper, keep $tests passing as it is, and add a tested $addition with factor $rd",
    }, v),
    fixture = { files = { [v.module] = code(original), [v.tests] = code(tests) } },
    goals = {
      { kind = "unchanged", path = v.tests },
      { kind = "command", argv = { "sh", "-c", ("cd %s && python3 -B -m unittest discover 2>&1 | tail -n 1"):format(v.base) }, stdout = "OK" },
      { kind = "command", argv = { "grep", "-c", "quantize", v.module }, stdout = "1" },
      { kind = "command", argv = { "sh", "-c", ("cd %s && python3 -B -c 'import pricing; print(pricing.%s_price(\"%s\"))'"):format(v.base, v.d, v.xd) }, stdout = v.yd },
      { kind = "file_contains", path = v.new, text = v.d .. "_price" },
    },
    stages = task.stages(kit, v, code),
    verify = {
      steps = {
        { id = "tests", tool = "exec", arguments = run_tests(v.base, "test_*.py") },
        { id = "dup", tool = "exec", arguments = { command = "grep -c quantize " .. v.module } },
      },
      reply = kit.say({ "All tests of $base once more:\n{{tests.all}}\nquantize occurs {{dup.stdout}} time in the module, so the rounding lives in one place.", "Green again in $base:\n{{tests.all}}\nThe rounding rule is written down {{dup.stdout}} time." }, v),
    },
  }
end

function task.stages(kit, v, code)
  return {
    {
      id = "tests",
      ask = kit.ask({ "Run the tests of $module and point out the duplication.", "State of $base: do the tests pass, and where is $module repeating itself?" },
        { "I wrote $module for our $shop and I am told that it repeats itself too much. Could you run the tests in $tests first, and then show me which parts are duplicated?",
          "Our price calculation is in $module, with tests in $tests. Before I let anyone touch it I would like to know whether the tests pass now, and where the code repeats itself." }, v),
      steps = {
        { id = "run", tool = "exec", arguments = run_tests(v.base, "test_pricing.py") },
        { id = "source", tool = "read", arguments = { path = v.module } },
      },
      reply = kit.say({ "The tests pass:\n\n{{run.all}}\n\nThe three functions differ in nothing but their factor. Converting, checking for negative amounts and rounding are written out three times.",
        "Current state:\n\n{{run.all}}\n\nEvery price function repeats the same three steps (convert, refuse negatives, round half up); only the factor changes." }, v),
    },
    {
      id = "refactor",
      ask = kit.ask({ "Pull that into one private helper. Public names and $tests stay.", "One helper, same public functions, tests untouched and green." },
        { "Please move the repeated part into a single helper function. The three functions have to keep their names because the till uses them, and $tests must not be changed. All tests should pass afterwards.",
          "Could you put the common steps into one helper, and let the three price functions call it? Other programs use these functions, so the names stay, and please do not adapt the tests to the code." }, v),
      repair = kit.ask({ "Tests are red. Fix the module, not the tests." }, { "A test is failing now. Please correct the module and leave the tests as they are." }, v),
      steps = {
        { id = "write1", tool = "write", arguments = { path = v.module, content = code(refactored, "Decimal", "CENT") } },
        { id = "run1", tool = "exec", expect = "fail", arguments = run_tests(v.base, "test_pricing.py") },
        { id = "write2", tool = "write", why = "quantize rounds half to even by default. The old code asked for half up, and the helper must too.",
          arguments = { path = v.module, content = code(refactored, "ROUND_HALF_UP, Decimal", "CENT, rounding=ROUND_HALF_UP") } },
        { id = "run2", tool = "exec", arguments = run_tests(v.base, "test_pricing.py") },
      },
      reply = kit.say({ "Refactored: the common steps are in _scaled(). My first version dropped the rounding mode and the test for half cents caught it ({{run1.error}}); with ROUND_HALF_UP back in place:\n\n{{run2.all}}",
        "There is one helper now, and the tests pass unchanged:\n\n{{run2.all}}\n\nIn between they were red, because Decimal rounds half to even unless told otherwise and I had lost that detail." }, v),
    },
    {
      id = "add",
      ask = kit.ask({ "Add $addition, factor $rd, with a test in $new. Run everything.", "Now $addition at $rd, tested in $new ($xd -> $yd)." },
        { "Now we can add the new price: $addition with the factor $rd, built on the helper. Please write a test for it in a new file, $new; for instance $xd should become $yd. Then run all tests.",
          "From next month there is one more price group. Please add a function $addition with the factor $rd, and a separate test file $new, where $xd gives $yd. Run the whole set afterwards." }, v),
      repair = kit.ask({ "Something is red. Look again." }, { "One of the tests does not pass, could you look at it?" }, v),
      steps = {
        { id = "append", tool = "exec", arguments = { command = ("cat >> %s <<'EOF'%sEOF"):format(v.module, code(addition)) } },
        { id = "test", tool = "write", arguments = { path = v.new, content = code(new_test) } },
        { id = "run", tool = "exec", arguments = run_tests(v.base, "test_*.py") },
      },
      reply = kit.say({ "$addition is there, with tests in $new:\n\n{{run.all}}", "Added. The complete set:\n\n{{run.all}}" }, v),
    },
  }
end

return task
