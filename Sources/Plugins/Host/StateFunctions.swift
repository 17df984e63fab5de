import JSON
import Lua

/// The `state` table: what a plugin keeps from one call to the next within a trajectory.
struct StateFunctions {
    let session: HostSession

    var functions: [LuaHostFunction] {
        let limit = session.permissions.state
        let name = session.manifest.title
        let store = session.services.store
        if !session.permissions.allows(.keepState) {
            return ["state.get", "state.set", "state.delete"].compactMap {
                session.permissions.deniedFunction($0, needing: .keepState)
            }
        }
        return [
            session.immediate("state.get") { arguments throws(LuaHostError) in
                store.get(try arguments.string(0), of: name).map { LuaValue($0) } ?? .null
            },
            session.immediate("state.set", acts: true) { arguments throws(LuaHostError) in
                let key = try arguments.string(0)
                guard !arguments[1].isNull else { throw arguments.wrong(1, "a value; state.delete takes a key away") }
                guard store.set(key, to: arguments[1].json, of: name, limit: limit) else {
                    throw LuaHostError(
                        "E_TOO_BIG",
                        "state.set(\"\(key)\", …): the plugin's state would be larger than \(limit >> 10) KB; "
                            + "\"permissions\": {\"state_kb\": …} bounds it")
                }
                return .null
            },
            session.immediate("state.delete", acts: true) { arguments throws(LuaHostError) in
                _ = store.set(try arguments.string(0), to: nil, of: name, limit: limit)
                return .null
            },
        ]
    }
}
