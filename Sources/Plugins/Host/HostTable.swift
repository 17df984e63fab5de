import Basics
import JSON
import Lua

/// Builds the functions that a plugin sees, from its permissions.
struct HostTable {
    let session: HostSession
    let modules: PluginModules

    var functions: [LuaHostFunction] {
        var functions = JSONFunctions.all + basics + logging + [require]
        functions += WorkspaceFunctions(session: session).functions
        functions += JobFunctions(session: session).functions
        functions += StateFunctions(session: session).functions
        functions += ServiceFunctions(session: session).functions
        functions += [model("chat", session.services.chat), model("embed", session.services.embed)]
        functions.append(
            session.immediate("host.has") { [functions] arguments throws(LuaHostError) in
                let name = HostReference.function(ofFeature: try arguments.string(0))
                return .bool(
                    Self.builtin.contains(name) || functions.contains { $0.name == name && !$0.isDenied })
            })
        return functions
    }

    /// Made by the interpreter's own library.
    private static let builtin =
        HostReference.functions.filter { $0.origin == .interpreter }.map(\.name) + HostReference.values.map(\.name) + [
            "host.has"
        ]

    private var basics: [LuaHostFunction] {
        let session = session
        return [
            session.immediate("clock.now") { _ in .double(session.services.now()) },
            session.waiting("clock.sleep") { arguments throws(LuaHostError) in
                guard let time = arguments[0].int, (0...86_400_000).contains(time) else {
                    throw arguments.wrong(0, "milliseconds, at most a day")
                }
                do { try await session.services.sleep(.milliseconds(time)) } catch {
                    throw LuaHostError("E_CANCELLED", "the sleep was cancelled")
                }
                return .null
            },
            .value("host.api", .int(PluginManifest.currentAPI)), .value("host.version", .string(iseVersion)),
            .immediate("ctx.fail") { values throws(LuaHostError) in
                let arguments = HostArguments("ctx.fail", values)
                let details = arguments[2]
                throw LuaHostError(
                    try arguments.string(0), try arguments.string(1), details: details.isNull ? nil : details)
            },
        ]
    }

    private var logging: [LuaHostFunction] {
        let session = session
        func log(_ name: String, level: String) -> LuaHostFunction {
            .immediate(name) { values throws(LuaHostError) in
                let arguments = HostArguments(name, values)
                try session.count(name)
                let fields = arguments[1]
                session.services.onLog?(level, arguments.text(0), fields.isNull ? JSONValue?.none : fields.json)
                return .null
            }
        }
        return ["debug", "info", "warn", "error"].map { log("log.\($0)", level: $0) } + [log("print", level: "info")]
    }

    private var require: LuaHostFunction {
        let modules = modules
        return .immediate("require") { values throws(LuaHostError) in
            let module = try modules.find(try HostArguments("require", values).string(0))
            return ["chunk": .string(module.chunk), "source": .bytes(module.source)]
        }
    }

    /// `chat` and `embed`: a request to a model, a table in and out.
    private func model(
        _ name: String, _ ask: (@Sendable (JSONValue) async throws -> JSONValue)?
    ) -> LuaHostFunction {
        if let denied = session.permissions.deniedFunction(name, needing: .askModel) { return denied }
        return session.waiting(name) { arguments throws(LuaHostError) in
            guard let ask else {
                throw LuaHostError("E_UNAVAILABLE", "no model is configured for this plugin")
            }
            guard arguments[0].object != nil else { throw arguments.wrong(0, "a table, the request") }
            do {
                return LuaValue(try await ask(arguments[0].json), droppingNulls: true)
            } catch let error as LuaHostError {
                throw error
            } catch {
                throw LuaHostError("E_MODEL", "\(error)")
            }
        }
    }
}
