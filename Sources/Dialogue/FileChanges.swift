import JSON
import Workspaces

/// Which files of the home directory differ between two moments, each list sorted by path.
public struct FileChanges: Sendable, Hashable {
    public var created: [String] = []
    public var changed: [String] = []
    public var deleted: [String] = []

    public init(created: [String] = [], changed: [String] = [], deleted: [String] = []) {
        self.created = created
        self.changed = changed
        self.deleted = deleted
    }

    public var isEmpty: Bool { created.isEmpty && changed.isEmpty && deleted.isEmpty }

    var json: JSONValue {
        ["created": JSONValue(created), "changed": JSONValue(changed), "deleted": JSONValue(deleted)]
    }
}
