import Foundation
import PackagePlugin

/// Compiles `Sources/WorkspaceInit` into a static program and turns it into a Swift constant, so that `ise` is one file.
@main struct EmbedInit: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
        let sources = context.package.directoryURL.appending(path: "Sources/WorkspaceInit")
        let script = context.package.directoryURL.appending(path: "Sources/EmbedInit/embed.sh")
        let protocolHeader = context.package.directoryURL.appending(path: "Sources/WorkspaceShim/include/protocol.h")
        let output = context.pluginWorkDirectoryURL.appending(path: "InitImage.swift")
        let inputs = try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
            .filter { ["c", "h"].contains($0.pathExtension) }
        return [
            .buildCommand(
                displayName: "Compiling the workspace init",
                executable: URL(fileURLWithPath: "/bin/sh"),
                arguments: [script.path, sources.path, output.path],
                inputFiles: inputs + [script, protocolHeader],
                outputFiles: [output])
        ]
    }
}
