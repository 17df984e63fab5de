import Foundation
import PackagePlugin

/// Compiles C sources into a static program and turns it into a Swift constant: the workspaces' init, so that `ise` is one file,
/// and the probes of the attack suite.
@main struct EmbedInit: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let isProbe = target.name == "AttackTests"
        let sources = context.package.directoryURL.appending(
            path: isProbe ? "Tests/AttackTests/probe" : "Sources/WorkspaceInit")
        let script = context.package.directoryURL.appending(path: "Sources/EmbedInit/embed.sh")
        let protocolHeader = context.package.directoryURL.appending(path: "Sources/WorkspaceShim/include/protocol.h")
        let output = context.pluginWorkDirectoryURL.appending(path: isProbe ? "ProbeImage.swift" : "InitImage.swift")
        let inputs = try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
            .filter { ["c", "h"].contains($0.pathExtension) }
        return [
            .buildCommand(
                displayName: "Compiling \(isProbe ? "the probes" : "the workspace init")",
                executable: URL(fileURLWithPath: "/bin/sh"),
                arguments: [
                    script.path, sources.path, output.path, isProbe ? "probeImageBase64" : "initImageBase64",
                ],
                inputFiles: inputs + [script, protocolHeader],
                outputFiles: [output])
        ]
    }
}
