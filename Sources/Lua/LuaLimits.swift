/// What one state may use. Time spent waiting for the host is the caller's business.
public struct LuaLimits: Sendable, Hashable {
    /// Bytes on the Lua heap. A table that doubles needs the old and the new block, so growth stops at about half of
    /// this.
    public var memory: Int
    /// CPU time of one load or call.
    public var cpu: Duration
    /// The largest value that Lua may hand out, in bytes of its byte form: the arguments of one host call, one result.
    public var request: Int
    /// The largest value that Lua may be handed.
    public var reply: Int

    public init(
        memory: Int = 64 << 20, cpu: Duration = .seconds(1), request: Int = 8 << 20, reply: Int = 16 << 20
    ) {
        self.memory = memory
        self.cpu = cpu
        self.request = request
        self.reply = reply
    }
}
