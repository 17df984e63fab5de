import Lua
import Testing

/// Every state has another hash seed and other addresses; none of it may show.
@Suite struct DeterminismTests {
    @Test(arguments: [
        (
            "pairs over string keys",
            "local t, out = {}, {} for i = 1, 200 do t['key' .. i * 7919 % 1000] = i end\nfor k, v in pairs(t) do out[#out + 1] = k .. v end\nreturn out"
        ),
        (
            "next over string keys",
            "local t, out = {}, {} for i = 1, 50 do t['key' .. i * 7919 % 1000] = i end\nfor k in next, t do out[#out + 1] = k end\nreturn out"
        ),
        (
            "pairs over mixed keys",
            "local t, out = { 10, 20, [true] = 1, [false] = 2, x = 3, [2.5] = 4, [-1] = 5 }, {}\nfor k in pairs(t) do out[#out + 1] = tostring(k) end\nreturn out"
        ),
        (
            "sort with equal keys",
            "local t = {} for i = 1, 3000 do t[i] = { k = i % 7, i = i } end\ntable.sort(t, function(a, b) return a.k < b.k end)\nlocal out = {} for i, e in ipairs(t) do out[i] = e.i end return out"
        ),
        (
            "text of tables and functions",
            "return { tostring({}), tostring(print), ('%s'):format({}), tostring(coroutine.create(print)) }"
        ),
        ("error texts", "return select(2, pcall(function() return {} .. print end))"),
        (
            "random numbers",
            "local s = random.stream('a')\nreturn { math.random(), math.random(1000), random.int(1, 6), random.float(), s.int(1, 100), random.shuffle({ 1, 2, 3, 4 }), random.pick({ 7, 8, 9 }) }"
        ),
        ("results", "return { b = 1, a = 2, d = { z = 1, y = 2 }, c = 3 }"),
    ]) func `Two states agree on`(_ subject: String, _ body: String) async throws {
        let source = "return { go = function() \(body)\nend }"
        let first = try await loaded(source, seed: 7).call("go")
        for _ in 0..<5 { #expect(try await loaded(source, seed: 7).call("go") == first, "\(subject)") }
        #expect(!first.isNull)
    }

    @Test func `Pairs orders booleans, numbers and strings`() async throws {
        let lua = try await loaded(
            """
            return { go = function()
              local t, out = { 10, 20, [true] = 1, [false] = 2, x = 3, X = 3, [2.5] = 4, [-1] = 5, [1 << 60] = 6, [2^70] = 7 }, {}
              for k in pairs(t) do out[#out + 1] = tostring(k) end
              return table.concat(out, ' ')
            end }
            """)
        #expect(try await lua.call("go") == "false true -1 1 2 2.5 1152921504606846976 1.1805916207174e+21 X x")
    }

    @Test func `Pairs passes over what is removed meanwhile`() async throws {
        let lua = try await loaded(
            """
            return { go = function()
              local t, seen = { a = 1, b = 2, c = 3, d = 4 }, {}
              for k in pairs(t) do seen[#seen + 1] = k t.c = nil t[k] = nil end
              local list = { 1, 2, 3 }
              for i in pairs(list) do seen[#seen + 1] = i list[2] = nil end
              return { seen, next(t) == nil, next({}) == nil }
            end }
            """)
        #expect(try await lua.call("go") == [["a", "b", "d", 1, 3], true, true])
    }

    @Test func `Tables as keys have no order`() async throws {
        let lua = try await loaded("return { go = function() for _ in pairs({ [{}] = 1 }) do end end }")
        let error = await #expect(throws: LuaError.self) { try await lua.call("go") }
        #expect(error?.message.hasPrefix("the order of table keys is not defined") == true)
    }

    @Test func `Sort is stable and leaves the list alone on an error`() async throws {
        let lua = try await loaded(
            """
            return {
              stable = function()
                local t = {}
                for i = 1, 500 do t[i] = { k = i % 3, i = i } end
                table.sort(t, function(a, b) return a.k < b.k end)
                for i = 2, #t do
                  if t[i].k < t[i - 1].k or (t[i].k == t[i - 1].k and t[i].i < t[i - 1].i) then return false end
                end
                return true
              end,
              failing = function()
                local t = { 3, 1, 2 }
                pcall(table.sort, t, function(a, b) if a == 2 or b == 2 then error('x') end return a < b end)
                return t
              end,
              plain = function() local t = { 5, 3, 9, 1, 1, 0 } table.sort(t) return t end,
              mixed = function() return pcall(table.sort, { 1, 'x' }) end,
            }
            """)
        #expect(try await lua.call("stable") == true)
        #expect(try await lua.call("failing") == [3, 1, 2])
        #expect(try await lua.call("plain") == [0, 1, 1, 3, 5, 9])
        #expect(try await lua.call("mixed") == false)
    }

    @Test func `Seeds and stream names give different numbers`() async throws {
        let source = "return { go = function(name) return random.stream(name).int(1, 1 << 60) end }"
        let one = try await loaded(source, seed: 1), two = try await loaded(source, seed: 2)
        let values = [
            try await one.call("go", ["a"]), try await one.call("go", ["b"]), try await two.call("go", ["a"]),
            try await one.call("go", ["a"]),
        ]
        #expect(Set(values).count == 4, "the second draw from a stream goes on where the first ended")
        let again = try await loaded(source, seed: 1)
        #expect(try await again.call("go", ["b"]) == values[1], "a stream does not depend on the others")
    }

    @Test func `Random integers cover their range`() async throws {
        let lua = try await loaded(
            """
            return { go = function()
              local seen = {}
              for i = 1, 2000 do
                local n = random.int(-3, 3)
                assert(n >= -3 and n <= 3 and math.type(n) == 'integer')
                seen[n + 4] = (seen[n + 4] or 0) + 1
              end
              for i = 1, 100 do local f = random.float() assert(f >= 0 and f < 1) end
              assert(random.int(math.mininteger, math.maxinteger))
              return seen
            end }
            """)
        let counts = try #require(try await lua.call("go").array?.compactMap(\.int))
        #expect(counts.count == 7)
        #expect(counts.allSatisfy { $0 > 200 && $0 < 380 })
    }
}
