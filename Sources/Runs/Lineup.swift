import Dialogue
import Plugins
import Trace

/// Gives each trajectory the plugins as they are when it starts. A trajectory keeps what it got.
actor Lineup {
    private var runner: TrajectoryRunner
    private let shelf: PluginShelf
    private let note: @Sendable (String) -> Void

    /// - Parameter note: gets what is wrong with an edit, once.
    init(_ runner: TrajectoryRunner, _ catalog: PluginCatalog, note: @escaping @Sendable (String) -> Void) {
        self.runner = runner
        self.runner.pluginSources = Plugin.sources(of: runner.casting.plugins)
        self.note = note
        shelf = PluginShelf(catalog)
    }

    func next() async -> TrajectoryRunner {
        let state = await shelf.current()
        let before = runner.casting.plugins.map(\.hash)
        runner.casting.update(from: state.catalog)
        if runner.casting.plugins.map(\.hash) != before {
            runner.pluginSources = Plugin.sources(of: runner.casting.plugins)
        }
        let notes = state.news.map { "an edit was not taken over, what it replaces stays: \($0)" }
        for text in notes { note(text) }
        var next = runner
        next.notes = notes
        return next
    }
}
