import Foundation
import PackagePlugin

/// Compiles C sources into a static program and turns it into a Swift constant of the target, so that `ise` is one file.
@main struct EmbedProgram: BuildToolPlugin {
    private struct Program {
        var title: String
        /// The Swift constant: the program in base64.
        var constant: String
        /// Directories whose C files are compiled together.
        var sources: [String]
        var includes: [String]
        /// What embed.sh links with: `musl`, which starts fastest, or `lua`.
        var library: String
    }

    private static let programs = [
        "Workspaces": Program(
            title: "the workspace init", constant: "initImageBase64", sources: ["Sources/WorkspaceInit"],
            includes: ["Sources/WorkspaceShim/include"], library: "musl"),
        "Plugins": Program(
            title: "the Lua worker", constant: "luaWorkerBase64", sources: ["Sources/LuaWorker", "Sources/LuaShim"],
            includes: ["Sources/LuaShim/include"], library: "lua"),
        "AttackTests": Program(
            title: "the probes", constant: "probeImageBase64", sources: ["Tests/AttackTests/probe"],
            includes: ["Sources/WorkspaceShim/include"], library: "musl"),
    ]

    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        guard let program = Self.programs[target.name] else { return [] }
        func path(_ relative: String) -> URL { context.package.directoryURL.appending(path: relative) }
        let script = path("Sources/EmbedProgram/embed.sh")
        let output = context.pluginWorkDirectoryURL.appending(path: "\(program.constant).swift")
        let inputs = try (program.sources + program.includes).flatMap {
            try FileManager.default.contentsOfDirectory(at: path($0), includingPropertiesForKeys: nil)
        }
        return [
            .buildCommand(
                displayName: "Compiling \(program.title)",
                executable: URL(fileURLWithPath: "/bin/sh"),
                arguments: [script.path, output.path, program.constant, program.library]
                    + program.includes.map { "-I" + path($0).path } + program.sources.map { path($0).path },
                inputFiles: inputs.filter { ["c", "h"].contains($0.pathExtension) } + [script],
                outputFiles: [output])
        ]
    }
}
