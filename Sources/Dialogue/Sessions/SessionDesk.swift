import JSON
import Lua
import Plugins

/// The `sessions` functions as one dialogue of a trajectory has them.
struct SessionDesk: Sendable {
    let tree: SessionTree
    let own: Session
    let agent: Plugin
    /// Starts the dialogue of a session; throws when it cannot begin.
    let start: @Sendable (_ session: Session, _ isolated: Bool, _ wall: Duration?) async throws(LuaHostError) -> Void

    var functions: [String: HostService] {
        [
            "sessions.agents": { _ throws(LuaHostError) in agents },
            "sessions.list": { _ throws(LuaHostError) in list },
            "sessions.status": { value throws(LuaHostError) in
                Self.view(try session(try ServiceRequest("sessions.status", value, known: ["session"])))
            },
            "sessions.history": { value throws(LuaHostError) in try history(value) },
            "sessions.spawn": { value throws(LuaHostError) in try await spawn(value) },
            "sessions.send": { value throws(LuaHostError) in try await send(value) },
            "sessions.kill": { value throws(LuaHostError) in try await kill(value) },
        ]
    }

    /// Those below this dialogue that work on something.
    var isBusyBelow: Bool { tree.children(of: own).contains { $0.phase == .running } }

    private var agents: LuaValue {
        [
            "agents": [
                [
                    "id": .string(agent.manifest.name), "description": .string(agent.manifest.description),
                    "version": .string(agent.manifest.version.description),
                ]
            ]
        ]
    }

    private var list: LuaValue { ["sessions": .array(tree.sessions.map(Self.view)), "own": .string(own.id)] }

    static func view(_ session: Session) -> LuaValue {
        let counts = session.counts
        var members: [LuaValue.Member] = [
            .init("session", .string(session.id)), .init("status", .string(session.phase.rawValue)),
            .init("kind", session.parent == nil ? "main" : "subagent"), .init("task", .string(session.task)),
            .init("depth", .int(session.depth)), .init("started", .double(session.started)),
            .init("updated", .double(session.updated)), .init("messages", .int(session.messages.count)),
            .init("turns", .int(counts.userTurns)), .init("tool_calls", .int(counts.toolCalls)),
            .init("failures", .int(counts.failures)), .init("tokens", .int(counts.agentTokens)),
        ]
        if let label = session.label { members.append(.init("label", .string(label))) }
        if let parent = session.parent { members.append(.init("parent", .string(parent.id))) }
        if let ending = session.ending {
            members.append(.init("outcome", .string(ending.outcome.rawValue)))
            members.append(.init("reason", .string(ending.reason)))
        }
        if let reply = session.replies.last { members.append(.init("reply", .string(reply))) }
        return .object(members)
    }

    /// Does what a scheduled entry says: the agent reads it, or a session of its own works on it.
    func fire(_ entry: Schedule.Entry) async {
        let name = entry.name.isEmpty ? entry.id : "\(entry.id) \"\(entry.name)\""
        var problem = ""
        if entry.isIsolated {
            do throws(LuaHostError) {
                _ = try await spawn(["task": .string(entry.text), "label": .string(entry.id)])
                return
            } catch { problem = " (It could not start a session: \(error.message).)" }
        }
        own.mailbox.post(
            Mailbox.Message(
                source: "schedule", text: "[Scheduled: \(name)] \(entry.text)\(problem)",
                facts: ["entry": .string(entry.id), "run": .int(entry.runs)]))
    }

    // MARK: Finding

    /// By id or label; its own when none is named.
    private func session(_ request: ServiceRequest) throws(LuaHostError) -> Session {
        guard let name = try request.textIfGiven("session") else { return own }
        let all = tree.sessions
        if let found = all.first(where: { $0.id == name }) ?? all.last(where: { $0.label == name }) { return found }
        let known = all.map(\.id)
        throw LuaHostError(
            "E_NOSESSION",
            "there is no session \"\(name)\"\(Suggestion.question(for: name, among: known)); there are "
                + known.joined(separator: ", "))
    }

    private func history(_ value: LuaValue) throws(LuaHostError) -> LuaValue {
        let request = try ServiceRequest("sessions.history", value, known: ["session", "limit", "tools"])
        let session = try session(request)
        let limit = try request.integer("limit", 1...1000) ?? 50
        let withTools = try request.bool("tools")
        let messages = session.messages.filter { message in
            let role = message["role"]?.string
            let isTool = role == "tool" || (message["tool_calls"] != nil && message["content"]?.string == nil)
            return role != "system" && (withTools || !isTool)
        }
        let shown = messages.suffix(limit).map { LuaValue($0, droppingNulls: true) }
        return [
            "session": .string(session.id), "messages": .array(shown), "left_out": .int(messages.count - shown.count),
        ]
    }

    // MARK: Acting

    private func spawn(_ value: LuaValue) async throws(LuaHostError) -> LuaValue {
        let request = try ServiceRequest(
            "sessions.spawn", value, known: ["task", "label", "agent", "isolated", "timeout_ms", "keep"])
        let (task, label) = (try request.text("task"), try request.textIfGiven("label"))
        let isIsolated = try request.bool("isolated")
        let wall = try request.integer("timeout_ms", 1...86_400_000).map { Duration.milliseconds($0) }
        if let name = try request.textIfGiven("agent"), name != agent.manifest.name, name != "main" {
            throw LuaHostError("E_NOAGENT", "there is no agent \"\(name)\"; there is \(agent.manifest.name)")
        }
        let session: Session
        switch tree.add(below: own, label: label, task: task, keeps: try request.bool("keep")) {
        case .success(let added): session = added
        case .failure(let refusal): throw LuaHostError("E_LIMIT", refusal.reason)
        }
        do throws(LuaHostError) { try await start(session, isIsolated, wall) } catch {
            session.end(Ending(.infrastructure, error.message), now: tree.now())
            throw error
        }
        return ["session": .string(session.id), "isolated": .bool(isIsolated)]
    }

    private func send(_ value: LuaValue) async throws(LuaHostError) -> LuaValue {
        let request = try ServiceRequest("sessions.send", value, known: ["session", "message", "timeout_ms"])
        let session = try session(request)
        let message = try request.text("message")
        guard session !== own else { throw LuaHostError("E_ARGUMENT", "a session cannot send messages to itself") }
        guard session.phase != .ended else {
            throw LuaHostError("E_NOSESSION", "the session \(session.id) has ended: \(session.ending?.reason ?? "")")
        }
        let before = session.replies.count
        session.mailbox.post(
            Mailbox.Message(source: "session", text: message, facts: ["session": .string(own.id)]))
        let time = try request.integer("timeout_ms", 0...3_600_000) ?? 0
        guard time > 0, session.parent != nil else { return ["session": .string(session.id), "status": "accepted"] }
        await session.waitForReply(after: before, atMost: .milliseconds(time))
        let replies = session.replies
        guard replies.count > before else {
            let status: LuaValue = session.phase == .ended ? "ended" : "timeout"
            return ["session": .string(session.id), "status": status]
        }
        return ["session": .string(session.id), "status": "ok", "reply": .string(replies[replies.count - 1])]
    }

    private func kill(_ value: LuaValue) async throws(LuaHostError) -> LuaValue {
        let session = try session(try ServiceRequest("sessions.kill", value, known: ["session"]))
        guard session.parent != nil, session !== own else {
            throw LuaHostError("E_ARGUMENT", "only sessions below this one can be ended, not \(session.id)")
        }
        let wasRunning = session.phase != .ended
        await tree.stopAll(below: session)
        await session.stop()
        return ["session": .string(session.id), "killed": .bool(wasRunning)]
    }
}
