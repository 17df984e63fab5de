import Skills
import Trace

extension SkillSelection {
    /// For the record of who takes part.
    public var uses: [TraceEvent.PluginUse] {
        skills.map { .init(kind: "skill", name: $0.name, version: $0.version ?? "", hash: $0.hash) }
    }
}
