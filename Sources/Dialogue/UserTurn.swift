import JSON

/// One turn of the user, before or after it was sent.
public struct UserTurn: Sendable, Hashable {
    /// Who wrote it: the simulator, the host when the simulator closed the dialogue without asking for a check, or the record of a
    /// direct query.
    public enum Origin: String, Sendable { case simulator, host, record }

    /// 1-based.
    public var number: Int
    public var text: String
    /// The stage of the playbook that the turn belongs to, ``verifyStage`` for the verification turn.
    public var stage: String?
    public var origin: Origin

    public static let verifyStage = "verify"

    public var verifies: Bool { stage == Self.verifyStage }

    public init(number: Int, text: String, stage: String? = nil, origin: Origin = .simulator) {
        self.number = number
        self.text = text
        self.stage = stage
        self.origin = origin
    }

    /// The verification turn that the host writes when the simulator would not.
    static func plainCheck(number: Int) -> UserTurn {
        UserTurn(
            number: number,
            text: "Before we close this, please double-check the results once and tell me what you find.",
            stage: verifyStage, origin: .host)
    }
}

/// What a simulator returns.
public struct SimulatorDecision: Sendable, Hashable {
    public var completed: Bool
    public var query: String
    public var reason: String
    /// The simulator's opinion of the whole dialogue; counts when it is completed.
    public var isSuccess: Bool
    public var stage: String?

    public init(completed: Bool, query: String, reason: String = "", isSuccess: Bool = true, stage: String? = nil) {
        self.completed = completed
        self.query = query
        self.reason = reason
        self.isSuccess = isSuccess
        self.stage = stage
    }
}

extension SimulatorDecision {
    /// Reads what the plugin returned. A missing `is_success` means success, as in the published records.
    init(_ value: JSONValue) throws(ContractBreach) {
        guard value.object != nil else { throw ContractBreach("returned \(value.typeName) instead of a decision") }
        guard let completed = value["completed"]?.bool else {
            throw ContractBreach("`completed` must be true or false, not \(value["completed"]?.compact ?? "missing")")
        }
        let query = value["query"] ?? .null
        guard query.isNull || query.string != nil else {
            throw ContractBreach("`query` must be a string, not \(query.typeName)")
        }
        self.init(
            completed: completed, query: query.string ?? "", reason: value["reason"]?.string ?? "",
            isSuccess: value["is_success"]?.bool ?? true, stage: value["stage"]?.string)
    }
}

/// A plugin returned something that its kind does not allow.
struct ContractBreach: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}
