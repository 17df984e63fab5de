import JSON
import Lua
import Plugins
import Workspaces

/// One Lua state that has a spec loaded, on the stage of one test.
struct SpecState: Sendable {
    private let lua: LuaState
    private let stage: Stage

    /// A test of the spec, by its place in the file.
    struct Test: Sendable {
        var number: Int
        var path: [String]
        /// "spec/run_spec.lua:12"; "" when unknown.
        var position: String
        /// "fake" or "real".
        var only: String?
        var skip: String?
    }

    private static let driver = """
        local t = require("@test")
        require("@spec")
        return t.runner
        """

    init(_ spec: SpecFile, on stage: Stage) async throws(LuaError) {
        self.stage = stage
        let modules = SpecModules(spec: spec, plugin: stage.plugin)
        lua = try LuaState(
            name: spec.name, limits: LuaLimits(memory: 256 << 20, cpu: .seconds(20)), seed: 1,
            host: JSONFunctions.all + Self.functions(stage) + [modules.require])
        try await lua.load(Array(Self.driver.utf8), chunk: "@runner")
    }

    func tests() async throws(LuaError) -> [Test] {
        let list = try await lua.call("list").array ?? []
        return list.enumerated().map { index, test in
            var position = test["where"]?.string ?? ""
            while position.hasSuffix(" ") || position.hasSuffix(":") { position.removeLast() }
            return Test(
                number: index + 1, path: (test["name"]?.array ?? []).compactMap(\.string), position: position,
                only: test["only"]?.string, skip: test["skip"]?.string ?? (test["skip"]?.bool == true ? "skipped" : nil)
            )
        }
    }

    func run(_ test: Test, within limit: Duration) async throws(LuaError) {
        _ = try await lua.call("run", [.int(test.number)], deadline: ContinuousClock.now + limit)
    }

    // MARK: Host functions

    private static func functions(_ stage: Stage) -> [LuaHostFunction] {
        let logging = ["print", "log.debug", "log.info", "log.warn", "log.error"].map { name in
            LuaHostFunction.immediate(name) { values throws(LuaHostError) in
                stage.rehearsal.note(
                    "spec: " + values.map { $0.string ?? $0.json.compact }.joined(separator: " "))
                return .null
            }
        }
        return logging + calls(stage) + workspaces(stage)
    }

    private static func calls(_ stage: Stage) -> [LuaHostFunction] {
        [
            .immediate("_stage.kind") { _ in .string(stage.plugin.manifest.kind.rawValue) },
            .immediate("_stage.broken") { _ in .bool(stage.isBroken) },
            .immediate("_stage.suggest") { values in
                let known = values.count > 1 ? (values[1].array ?? []).compactMap(\.string) : []
                return .string(Suggestion.question(for: values.first?.string ?? "", among: known))
            },
            .immediate("_stage.note") { values in
                stage.setNote(values.first ?? .null)
                return .null
            },
            .waiting("_stage.call") { values throws(LuaHostError) in try await stage.call(values.first ?? .null) },
            .waiting("_stage.answer") { values throws(LuaHostError) in try await stage.answer(values.first ?? .null) },
            .waiting("_stage.abandon") { _ in
                await stage.abandon()
                return .null
            },
            .waiting("_stage.value") { values throws(LuaHostError) in
                try await stage.value(values.first?.string ?? "")
            },
            .immediate("_stage.golden") { values in
                guard let record = stage.records.last else { return .null }
                return golden(stage.goldens, record, values.first?.string ?? "")
            },
        ]
    }

    private static func golden(_ files: GoldenFiles, _ record: CallRecord, _ name: String) -> LuaValue {
        do throws(GoldenFiles.Problem) {
            try files.compare(record, name: name)
            return .null
        } catch {
            switch error {
            case .missing(let file):
                return ["message": .string("there is no golden file \(file); `--update` records it")]
            case .unreadable(let reason): return ["message": .string(reason)]
            case .differs(let file, let got, let wanted, let place):
                let message = "the call is not as in \(file): \(place); `--update` takes it as the new truth"
                return ["message": .string(message), "got": LuaValue(got), "wanted": LuaValue(wanted)]
            }
        }
    }

    private static func workspaces(_ stage: Stage) -> [LuaHostFunction] {
        typealias Work = @Sendable (any WorkspaceAccess, String, [LuaValue]) async throws(WorkspaceError) -> LuaValue
        func function(_ name: String, _ work: @escaping Work) -> LuaHostFunction {
            .waiting("_stage.\(name)") { values throws(LuaHostError) in
                let workspace = try stage.workspace(values.first)
                let path = values.count > 1 ? values[1].string ?? "" : ""
                do throws(WorkspaceError) { return try await work(workspace, path, values) } catch {
                    throw LuaHostError("E_WORKSPACE", error.message)
                }
            }
        }
        return [
            .waiting("_stage.open") { values throws(LuaHostError) in
                .int(try await stage.open(values.first ?? .null))
            },
            function("read") { workspace, path, _ throws(WorkspaceError) in
                .bytes(try await workspace.read(path, offset: 0, limit: 64 << 20))
            },
            function("write") { workspace, path, values throws(WorkspaceError) in
                let mode = values.count > 3 ? values[3].int ?? 0o644 : 0o644
                try await workspace.write(
                    path, values.count > 2 ? values[2].bytes ?? [] : [], mode: UInt16(clamping: mode), append: false,
                    createParents: true)
                return .null
            },
            function("list") { workspace, path, _ throws(WorkspaceError) in
                let listing = try await workspace.list(path, recursive: true, limit: 100_000)
                return .array(listing.entries.map { .string($0.path) })
            },
            function("stat") { workspace, path, _ throws(WorkspaceError) in
                guard let status = try await workspace.stat(path) else { return .null }
                return [
                    "kind": .string(status.kind.rawValue), "size": .int(status.size), "mode": .int(Int(status.mode)),
                ]
            },
            function("remove") { workspace, path, _ throws(WorkspaceError) in
                try await workspace.remove(path, recursive: true)
                return .null
            },
        ]
    }
}
