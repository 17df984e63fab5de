/// The plugins of a run while their files may be edited: who starts something asks for what counts now.
public actor PluginShelf {
    /// The plugins as they are, and what was not known before of those that cannot be used.
    public struct State: Sendable {
        public var catalog: PluginCatalog
        public var news: [PluginProblem]
    }

    private var catalog: PluginCatalog
    private var told: Set<String>
    private var reloading: Task<PluginCatalog, Never>?

    public init(_ catalog: PluginCatalog) {
        self.catalog = catalog
        told = Set(catalog.problems.map(\.description))
    }

    /// Looks at the files, which costs a `stat(2)` each, and reads and tries those plugins anew that have changed.
    public func current() async -> State {
        if let reloading {
            // Somebody is at it; an edit of this very moment is for the next one.
            return State(catalog: await reloading.value, news: [])
        }
        let task = Task { [catalog] in await catalog.reloaded() }
        reloading = task
        catalog = await task.value
        reloading = nil
        return State(catalog: catalog, news: catalog.problems.filter { told.insert($0.description).inserted })
    }
}
