/// A function of the host that Lua code can call.
///
/// The name is a global ("print") or a member of a global table ("ws.exec"). Names below "ctx." are put into the
/// context table that a call passes. "print" gets one string; "require" answers a name with `{chunk, source}`.
public struct LuaHostFunction: Sendable {
    public typealias Answer = @Sendable ([LuaValue]) throws(LuaHostError) -> LuaValue
    public typealias AsyncAnswer = @Sendable ([LuaValue]) async throws(LuaHostError) -> LuaValue

    public var name: String
    var body: Body

    /// A name that is not there.
    public var isDenied: Bool {
        if case .denied = body { true } else { false }
    }

    enum Body: Sendable {
        case immediate(Answer)
        case waiting(AsyncAnswer)
        /// Not there; reading the name raises this.
        case denied(@Sendable () -> LuaHostError)
        /// Data, no function.
        case value(LuaValue)
    }

    /// Answers at once, on the thread that runs Lua: must not block and should take microseconds.
    public static func immediate(_ name: String, _ answer: @escaping Answer) -> LuaHostFunction {
        LuaHostFunction(name: name, body: .immediate(answer))
    }

    /// Suspends the Lua code, not the thread, until it answers. Must not call into the same state.
    public static func waiting(_ name: String, _ answer: @escaping AsyncAnswer) -> LuaHostFunction {
        LuaHostFunction(name: name, body: .waiting(answer))
    }

    /// A name that is not there for this state: reading it raises the error, which says why.
    public static func denied(
        _ name: String, _ error: @autoclosure @escaping @Sendable () -> LuaHostError
    ) -> LuaHostFunction {
        LuaHostFunction(name: name, body: .denied(error))
    }

    /// Data that stands under a name; no function at all.
    public static func value(_ name: String, _ value: LuaValue) -> LuaHostFunction {
        LuaHostFunction(name: name, body: .value(value))
    }
}
