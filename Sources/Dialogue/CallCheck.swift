import JSON
import Plugins

/// What stands between a call as the agent wrote it and the tool's own schema: the name and the JSON. Each fault is a message
/// that lets a model repair its call.
enum CallCheck {
    /// No text at all counts as no arguments.
    static func arguments(of call: ProposedCall) throws(ToolError) -> JSONValue {
        let value: JSONValue
        do throws(JSONError) { value = try JSONValue(parsing: call.arguments.nonBlank ?? "{}") } catch {
            throw ToolError(
                code: "invalid_json", message: "the arguments are no valid JSON: \(error). Send one JSON object.")
        }
        guard value.object != nil else {
            throw ToolError(
                code: "invalid_json",
                message: "the arguments must be one JSON object; this is of type \(value.typeName).")
        }
        return value
    }

    static func unknownTool(_ name: String, known: [String]) -> ToolError {
        let guess = Suggestion.closest(to: name, among: known).map { " Did you mean `\($0)`?" } ?? ""
        let list = known.isEmpty ? "There are no tools." : "The tools are: \(known.joined(separator: ", "))."
        return ToolError(code: "unknown_tool", message: "there is no tool named `\(name)`.\(guess) \(list)")
    }
}
