import JSON
import Lua
import Plugins
import Synchronization

/// What an agent wants done later within its trajectory. Entries come due by the host's clock; the dialogue asks for them
/// between steps and at the end of each user turn. What is not due by its end never runs, and the record says so.
final class Schedule: Sendable {
    enum Time: Sendable, Hashable {
        case at(Double)
        case every(Double, from: Double)
        case cron(CronExpression, offset: Int)
    }

    struct Entry: Sendable {
        var id: String
        var name: String
        var time: Time
        /// What the agent, or the session that is started for it, gets to read.
        var text: String
        /// A session of its own does it, not the agent.
        var isIsolated: Bool
        var isEnabled = true
        /// Seconds since 1970; nil: it has no next time.
        var next: Double?
        var runs = 0
    }

    private struct State {
        var entries: [Entry] = []
        var added = 0
        var log: [(id: String, time: Double, forced: Bool)] = []
    }

    private static let mostEntries = 100
    private static let mostRuns = 1000
    /// In seconds: a century.
    private static let longestTime = 100 * 365.25 * 86_400

    private let now: @Sendable () -> Double
    private let state = Mutex(State())

    init(now: @escaping @Sendable () -> Double) { self.now = now }

    /// The entries that are due now; each goes on to its next time, or is done.
    func takeDue() -> [Entry] {
        let time = now()
        return state.withLock { state in
            var due: [Entry] = []
            for index in state.entries.indices {
                guard state.entries[index].isEnabled, let next = state.entries[index].next, next <= time,
                    state.log.count < Self.mostRuns
                else { continue }
                Self.run(&state, index, at: time, forced: false)
                due.append(state.entries[index])
            }
            return due
        }
    }

    /// Those that still have a time to come.
    var waiting: [Entry] { state.withLock { $0.entries.filter { $0.isEnabled && $0.next != nil } } }

    private static func run(_ state: inout State, _ index: Int, at time: Double, forced: Bool) {
        state.entries[index].runs += 1
        state.log.append((state.entries[index].id, time, forced))
        if !forced { state.entries[index].next = next(state.entries[index].time, after: time, isFirst: false) }
    }

    private static func next(_ time: Time, after now: Double, isFirst: Bool) -> Double? {
        switch time {
        case .at(let moment): isFirst ? moment : nil
        case .every(let interval, let start): start + ((now - start) / interval).rounded(.down) * interval + interval
        case .cron(let expression, let offset): expression.next(after: now, offset: offset)
        }
    }

    // MARK: Host functions

    /// - Parameter fire: does what a due entry says, for `schedule.run`.
    func functions(fire: @escaping @Sendable (Entry) async -> Void) -> [String: HostService] {
        [
            "schedule.add": { [self] value throws(LuaHostError) in try add(value) },
            "schedule.list": { [self] _ throws(LuaHostError) in list },
            "schedule.update": { [self] value throws(LuaHostError) in try update(value) },
            "schedule.remove": { [self] value throws(LuaHostError) in
                let id = try Self.id(value, "schedule.remove")
                try edit(id) { state, index in _ = state.entries.remove(at: index) }
                return ["id": .string(id), "removed": true]
            },
            "schedule.run": { [self] value throws(LuaHostError) in
                let time = now()
                let entry = try edit(Self.id(value, "schedule.run")) { state, index -> Entry in
                    Self.run(&state, index, at: time, forced: true)
                    return state.entries[index]
                }
                await fire(entry)
                return Self.view(entry)
            },
        ]
    }

    private static let members = [
        "name", "at_ms", "every_ms", "cron", "utc_offset_minutes", "text", "isolated", "enabled",
    ]

    private func add(_ value: LuaValue) throws(LuaHostError) -> LuaValue {
        let request = try ServiceRequest("schedule.add", value, known: Self.members)
        let now = now()
        guard let time = try Self.time(request, now: now) else {
            throw LuaHostError("E_SCHEDULE", "say when: at_ms, every_ms or cron")
        }
        var entry = Entry(
            id: "", name: try request.textIfGiven("name") ?? "", time: time, text: try request.text("text"),
            isIsolated: try request.bool("isolated"))
        if request["enabled"] != nil { entry.isEnabled = try request.bool("enabled") }
        entry.next = Self.next(time, after: now, isFirst: true)
        guard entry.next != nil else { throw LuaHostError("E_SCHEDULE", "that time never comes") }
        let full = state.withLock { state -> Bool in
            guard state.entries.count < Self.mostEntries else { return true }
            state.added += 1
            entry.id = "cron-\(state.added)"
            state.entries.append(entry)
            return false
        }
        guard !full else { throw LuaHostError("E_LIMIT", "there are \(Self.mostEntries) entries already; remove some") }
        return Self.view(entry)
    }

    private func update(_ value: LuaValue) throws(LuaHostError) -> LuaValue {
        let request = try ServiceRequest("schedule.update", value, known: Self.members + ["id"])
        let now = now()
        let time = try Self.time(request, now: now)
        let (name, text) = (try request.textIfGiven("name"), try request.textIfGiven("text"))
        let (isIsolated, isEnabled) = (try request.bool("isolated"), try request.bool("enabled"))
        let entry = try edit(try request.text("id")) { state, index -> Entry in
            var entry = state.entries[index]
            if let name { entry.name = name }
            if let text { entry.text = text }
            if request["isolated"] != nil { entry.isIsolated = isIsolated }
            if request["enabled"] != nil { entry.isEnabled = isEnabled }
            if let time {
                entry.time = time
                entry.next = Self.next(time, after: now, isFirst: true)
            }
            state.entries[index] = entry
            return entry
        }
        return Self.view(entry)
    }

    private var list: LuaValue {
        state.withLock { state in
            let runs = state.log.map { run -> LuaValue in
                ["id": .string(run.id), "time": .double(run.time), "forced": .bool(run.forced)]
            }
            return ["entries": .array(state.entries.map(Self.view)), "runs": .array(runs)]
        }
    }

    private func edit<Value: Sendable>(
        _ id: String, _ body: (inout State, Int) -> Value
    ) throws(LuaHostError) -> Value {
        let (result, known) = state.withLock { state -> (Value?, [String]) in
            let known = state.entries.map(\.id)
            guard let index = state.entries.firstIndex(where: { $0.id == id }) else { return (nil, known) }
            return (body(&state, index), known)
        }
        if let result { return result }
        let list = known.isEmpty ? "nothing is scheduled" : "there are \(known.joined(separator: ", "))"
        throw LuaHostError("E_NOENTRY", "there is no entry \"\(id)\"; \(list)")
    }

    private static func id(_ value: LuaValue, _ function: String) throws(LuaHostError) -> String {
        try ServiceRequest(function, value, known: ["id"]).text("id")
    }

    private static func time(_ request: ServiceRequest, now: Double) throws(LuaHostError) -> Time? {
        if let moment = try request.number("at_ms") {
            guard moment / 1000 >= now - 60 else {
                throw LuaHostError("E_SCHEDULE", "at_ms is in the past: it is \(Int(now * 1000)) now")
            }
            guard moment / 1000 <= now + longestTime else {
                throw LuaHostError("E_SCHEDULE", "at_ms is more than a century ahead: it is \(Int(now * 1000)) now")
            }
            return .at(moment / 1000)
        }
        if let interval = try request.number("every_ms") {
            guard (1000...longestTime * 1000).contains(interval) else {
                throw LuaHostError("E_SCHEDULE", "every_ms must be at least 1000, and less than a century")
            }
            return .every(interval / 1000, from: now)
        }
        guard let text = try request.textIfGiven("cron") else { return nil }
        let offset = (try request.integer("utc_offset_minutes", -840...840) ?? 0) * 60
        do throws(CronExpression.Malformed) { return .cron(try CronExpression(text), offset: offset) } catch {
            throw LuaHostError("E_SCHEDULE", error.reason)
        }
    }

    static func view(_ entry: Entry) -> LuaValue {
        var members: [LuaValue.Member] = [
            .init("id", .string(entry.id)), .init("name", .string(entry.name)), .init("text", .string(entry.text)),
            .init("isolated", .bool(entry.isIsolated)), .init("enabled", .bool(entry.isEnabled)),
            .init("runs", .int(entry.runs)),
        ]
        if let next = entry.next { members.append(.init("next", .double(next))) }
        switch entry.time {
        case .at(let time): members.append(.init("at_ms", .int(Int(time * 1000))))
        case .every(let interval, _): members.append(.init("every_ms", .int(Int(interval * 1000))))
        case .cron(let expression, let offset):
            members.append(.init("cron", .string(expression.text)))
            members.append(.init("utc_offset_minutes", .int(offset / 60)))
        }
        return .object(members)
    }
}
