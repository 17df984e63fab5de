/// The pipe to a worker process. What comes out of it is not to be trusted.
public protocol LuaWorkerChannel: Sendable {
    /// False when the worker does not read any more.
    func send(_ bytes: [UInt8]) async -> Bool

    /// The next bytes, as they come; nil at the end, when the worker is gone. One caller at a time.
    func receive() async -> [UInt8]?

    /// Ends the process and all that belongs to it; `receive` comes to its end then. May be called at any time.
    func kill()
}
