import Lua

/// Host functions that a run answers, not this module: what they do is the business of the service of their name in
/// `HostServices.functions`.
struct ServiceFunctions {
    let session: HostSession

    var functions: [LuaHostFunction] {
        HostReference.services.map { described in
            let name = described.name
            if let need = described.permission?.need,
                let denied = session.permissions.deniedFunction(name, needing: need)
            {
                return denied
            }
            let service = session.services.functions[name]
            return session.waiting(name, acts: true) { arguments throws(LuaHostError) in
                guard let service else { throw LuaHostError("E_UNAVAILABLE", "\(name) is not there in this run") }
                guard arguments[0].isNull || arguments[0].object != nil else { throw arguments.wrong(0, "a table") }
                return try await service(arguments[0].isNull ? [:] : arguments[0])
            }
        }
    }
}
