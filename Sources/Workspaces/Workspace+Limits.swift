extension Workspace {
    /// What the control groups have counted since the last call.
    func newLimitHits() -> [LimitHit] {
        guard let group = state.withLock({ $0.session })?.group.load(ordering: .relaxed), group != 0 else { return [] }
        let groups = ControlGroups(
            name: template.cgroupName, controllers: isolation.cgroupControllers,
            delegated: template.delegation?.directory)
        let counted = groups.hits(of: group)
        let before = state.withLock { state in
            defer { state.limitHits = counted }
            return state.limitHits
        }
        return counted.map { LimitHit(limit: $0, count: $1 - (before[$0] ?? 0)) }
            .filter { $0.count > 0 }.sorted { $0.limit.rawValue < $1.limit.rawValue }
    }
}
