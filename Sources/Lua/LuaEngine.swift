/// Something that runs one plugin's Lua: ``LuaState`` within this process, ``LuaWorker`` in a process of its own. Both
/// give the same results and the same errors for the same calls.
///
/// Calls are answered one after the other; a call that waits for the host does not hold a thread. A host function must
/// not call into the engine that called it: that call would wait for itself.
public protocol LuaEngine: Sendable {
    /// Runs a source text, which must return a table. `chunk` is the file name that errors show.
    func load(_ source: [UInt8], chunk: String) async throws(LuaError)

    /// Throws what the parser finds wrong with a source text. Runs nothing.
    func check(_ source: [UInt8], chunk: String) async throws(LuaError)

    /// Calls a function of the loaded table. With `context`, that object is the last argument and has the host
    /// functions named "ctx.…" as members. The first result is returned, `.null` when there is none.
    func call(
        _ function: String, _ arguments: [LuaValue], context: LuaValue?, deadline: ContinuousClock.Instant?
    ) async throws(LuaError) -> LuaValue

    /// Whether the loaded table has a function of this name.
    func has(_ function: String) async throws(LuaError) -> Bool

    /// A member of the loaded table that is data; `.null` when it is not there.
    func value(_ member: String) async throws(LuaError) -> LuaValue
}

extension LuaState: LuaEngine {}
