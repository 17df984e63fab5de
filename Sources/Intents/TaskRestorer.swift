import JSON

/// Gives the intents of ISE's own making their tasks back, with fixtures, stages and goals, from the seeds that the records
/// carry.
public struct TaskRestorer: Sendable {
    private let pools: IntentPools
    private let author: any IntentAuthor

    public init(pools: IntentPools, author: any IntentAuthor) {
        self.pools = pools
        self.author = author
    }

    /// The tasks of `record`, in its order; none for a record of another maker.
    /// - Throws: `.pool` when a plugin that the record was made with is not loaded, `.validation` when it has changed so that
    ///   the record's text no longer fits its tasks, `.plugin` when it fails.
    public func tasks(of record: IntentRecord) async throws(IntentError) -> [TaskInstance] {
        guard let origin = record.origin else { return [] }
        let persona = try persona(of: record, origin)
        var tasks: [TaskInstance] = []
        for task in origin.tasks {
            try checkIsLoaded(task)
            let instance = try await author.instantiate(
                task.task, domain: task.domain, persona: persona, seed: task.seed)
            tasks.append(instance)
        }
        if let fault = TextValidation.fault(in: record.text, of: tasks) {
            throw IntentError(
                .validation,
                "\(fault): its domain plugin has changed since the intent was made; make the intents anew with "
                    + "`ise intents`, or remove the key \"\(IntentOrigin.key)\" to run it without fixtures and goals")
        }
        return tasks
    }

    private func persona(of record: IntentRecord, _ origin: IntentOrigin) throws(IntentError) -> Persona {
        if let id = record.value["persona_id"]?.string, let pooled = pools.persona(id: id, pool: origin.personas) {
            return pooled.persona
        }
        guard let described = record.persona else {
            throw IntentError(
                .pool, "its persona is neither in the plugin \(origin.personas) nor described in the record")
        }
        return described
    }

    private func checkIsLoaded(_ task: IntentOrigin.Task) throws(IntentError) {
        guard let domain = pools.domain(named: task.domain) else {
            let known = pools.domains.map(\.name).joined(separator: ", ")
            throw IntentError(
                .pool,
                "it needs the domain \(task.domain), which is not loaded (loaded: \(known)); add its directory with --plugins"
            )
        }
        guard domain.tasks.contains(where: { $0.name == task.task }) else {
            throw IntentError(.pool, "the domain \(task.domain) has no task \"\(task.task)\" any more")
        }
    }
}
