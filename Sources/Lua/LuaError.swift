/// Why a load or a call gave no value.
public struct LuaError: Error, Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// The text is no Lua.
        case syntax
        /// An error of the plugin's code: `error("text")`, an index of nil, a wrong argument.
        case runtime
        /// An error object with a code: raised by a host function, or by the plugin with `error{code=…, message=…}`.
        case raised(code: String, details: LuaValue?)
        /// A limit is used up; `pcall` does not catch this.
        case limit(Limit)
        /// The result holds something that cannot cross (a function, a table that contains itself).
        case value
        /// The loaded table has no such function.
        case missing
        /// The state cannot be made, or cannot keep its limits on this machine.
        case unavailable
        /// The task was cancelled while the call waited for the host.
        case cancelled
        /// The worker process of the state is gone, or said what no worker says. The next call gets a new one.
        case workerDied
    }

    public enum Limit: String, Sendable, Equatable {
        case cpu, memory
        /// A value larger than may cross.
        case size
        /// The deadline passed while the call waited for the host; in a worker process, whatever it was doing.
        case wall
        /// A host function ended the call (`LuaHostError.endsCall`).
        case host
    }

    public var kind: Kind
    /// Without the position in front.
    public var message: String
    /// The chunk's name; nil when unknown.
    public var file: String?
    /// 1-based.
    public var line: Int?
    public var traceback: String?

    public init(_ kind: Kind, _ message: String, file: String? = nil, line: Int? = nil, traceback: String? = nil) {
        self.kind = kind
        self.message = message
        self.file = file
        self.line = line
        self.traceback = traceback
    }
}

extension LuaError: CustomStringConvertible {
    public var description: String {
        let position = file.map { file in line.map { "\(file):\($0): " } ?? "\(file): " } ?? ""
        return position + message
    }
}

extension LuaError {
    /// Takes "main.lua:12: " off the front of a message of the interpreter.
    mutating func takePositionFromMessage() {
        let parts = message.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[0].contains("\n"), let number = Int(parts[1]),
            parts[2].first == " "
        else { return }
        file = String(parts[0])
        line = number
        message = String(parts[2].dropFirst())
    }
}

/// What a host function raises into Lua. The plugin may catch it with `pcall`; it is a table with these fields.
public struct LuaHostError: Error, Sendable, Equatable {
    public var code: String
    public var message: String
    public var details: LuaValue?
    /// Ends the whole call as `.limit(.host)`; `pcall` does not catch it.
    public var endsCall: Bool

    public init(_ code: String, _ message: String, details: LuaValue? = nil, endsCall: Bool = false) {
        self.code = code
        self.message = message
        self.details = details
        self.endsCall = endsCall
    }

    var value: LuaValue {
        var members = [LuaValue.Member("code", .string(code)), LuaValue.Member("message", .string(message))]
        if let details { members.append(LuaValue.Member("details", details)) }
        return .object(members)
    }
}
