import JSON
import Plugins

/// What stands between a call as the agent wrote it and the tool: the name, the JSON, the schema. Each fault is a message that
/// lets a model repair its call.
enum CallCheck {
    /// The arguments with defaults filled in.
    static func arguments(of call: ProposedCall, schema: JSONValue) throws(ToolError) -> JSONValue {
        let value: JSONValue
        do { value = try JSONValue(parsing: call.arguments.nonBlank ?? "{}") } catch {
            throw ToolError(
                code: "invalid_json",
                message: "the arguments of `\(call.name)` are no valid JSON: \(error). Send one JSON object.")
        }
        guard value.object != nil else {
            throw ToolError(
                code: "invalid_json",
                message: "the arguments of `\(call.name)` must be a JSON object, not \(article(value.typeName)).")
        }
        switch SchemaValidator.validate(value, against: schema) {
        case .success(let filled): return filled
        case .failure(let violations):
            let list = violations.map { "- \($0.path.isEmpty ? "arguments" : $0.path): \($0.message)" }
            throw ToolError(
                code: "invalid_args",
                message: "the arguments do not fit `\(call.name)`:\n\(list.joined(separator: "\n"))")
        }
    }

    static func unknownTool(_ name: String, known: [String]) -> ToolError {
        let guess = Suggestion.closest(to: name, among: known).map { " Did you mean `\($0)`?" } ?? ""
        let list = known.isEmpty ? "There are no tools." : "The tools are: \(known.joined(separator: ", "))."
        return ToolError(code: "unknown_tool", message: "there is no tool named `\(name)`.\(guess) \(list)")
    }

    private static func article(_ type: String) -> String {
        type == "null" ? type : "aeiou".contains(type.prefix(1)) ? "an \(type)" : "a \(type)"
    }
}
