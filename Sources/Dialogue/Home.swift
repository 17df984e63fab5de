import Workspaces

/// Where the files of a task live inside a workspace.
enum Home {
    /// Paths of fixtures and goals are relative to the home directory; an absolute path stays.
    static func path(_ relative: String) -> String {
        relative.hasPrefix("/") ? relative : "\(Workspace.home)/\(relative)"
    }
}
