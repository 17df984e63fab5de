// swift-tools-version: 6.1
import PackageDescription

// Floors, ground first: a target imports only what stands above it in this list.
let package = Package(
    name: "ise",
    products: [.executable(name: "ise", targets: ["ise"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),  // tests only: a real HTTP server
    ],
    targets: [
        // Floor 0: system libraries and what Swift cannot express.
        .systemLibrary(name: "CLua", pkgConfig: "lua5.4", providers: [.apt(["liblua5.4-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "LuaShim", dependencies: ["CLua"], cSettings: strictC),
        .target(name: "CurlShim", dependencies: ["CCurl"], cSettings: strictC),
        .target(name: "WorkspaceShim", dependencies: ["CSeccomp"], cSettings: strictC),
        .plugin(name: "EmbedProgram", capability: .buildTool(), path: "Sources/EmbedProgram"),
        .target(name: "Basics"),
        .target(name: "JSON"),
        .target(name: "Hashing", dependencies: ["CCrypto"]),

        // Floor 1: one concern each, none knows of dialogues.
        .target(
            name: "Workspaces", dependencies: ["Basics", "Hashing", "JSON", "WorkspaceShim"], plugins: ["EmbedProgram"]),
        .target(name: "Lua", dependencies: ["Basics", "JSON", "LuaShim"]),
        .target(name: "Trace", dependencies: ["Basics", "Hashing", "JSON"]),
        .target(name: "Search", dependencies: ["CSQLite"]),

        // Floor 2
        .target(name: "Models", dependencies: ["Basics", "JSON", "CurlShim"]),
        .target(
            name: "Plugins", dependencies: ["Basics", "JSON", "Lua", "Trace", "Workspaces"], plugins: ["EmbedProgram"]),

        .target(name: "Authoring", dependencies: ["Basics", "JSON", "Lua", "Plugins", "Trace", "Workspaces"]),
        .target(name: "Skills", dependencies: ["Basics", "CYaml", "Hashing", "JSON", "Workspaces"]),

        // Floor 3
        .target(name: "Intents", dependencies: ["Basics", "CCrypto", "Hashing", "JSON", "Plugins", "Trace"]),
        .target(
            name: "Dialogue",
            dependencies: [
                "Basics", "JSON", "Intents", "Lua", "Models", "Plugins", "Search", "Skills", "Trace", "Workspaces",
            ]),

        // Floor 4
        .target(
            name: "MCP", dependencies: ["Basics", "Dialogue", "Hashing", "JSON", "Plugins", "Trace", "Workspaces"]),
        .target(
            name: "Runs",
            dependencies: [
                "Basics", "CCrypto", "CCurl", "CLua", "CSeccomp", "Dialogue", "Intents", "JSON", "Models", "Plugins",
                "Skills",
                "Trace", "Workspaces",
            ]),

        // Floor 5
        .executableTarget(
            name: "ise",
            dependencies: [
                "Authoring", "Basics", "Dialogue", "Intents", "JSON", "MCP", "Models", "Plugins", "Runs", "Skills",
                "Trace",
                "Workspaces",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .executableTarget(
            name: "ise-bench", dependencies: ["CLua", "JSON", "Lua", "LuaShim", "Plugins", "Trace", "Workspaces"],
            path: "Sources/Benchmarks"),

        .testTarget(name: "BasicsTests", dependencies: ["Basics"]),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"]),
        .testTarget(
            name: "WorkspacesTests", dependencies: ["Basics", "JSON", "TestSupport", "WorkspaceShim", "Workspaces"]),
        .testTarget(
            name: "AttackTests", dependencies: ["Basics", "Hashing", "TestSupport", "WorkspaceShim", "Workspaces"],
            exclude: ["probe", "fuzz", "corpus", "golden"],
            plugins: ["EmbedProgram"]),
        .testTarget(name: "LuaTests", dependencies: ["Lua", "TestSupport"]),
        .testTarget(name: "TraceTests", dependencies: ["Basics", "Trace", "TestSupport"]),
        .testTarget(
            name: "ModelsTests",
            dependencies: ["Models", "TestSupport"]),
        .testTarget(name: "SearchTests", dependencies: ["Search"]),
        .testTarget(name: "PluginsTests", dependencies: ["Basics", "Plugins"]),
        .testTarget(name: "AuthoringTests", dependencies: ["Authoring", "Plugins", "TestSupport", "Workspaces"]),
        .testTarget(
            name: "HostilePluginTests", dependencies: ["JSON", "Lua", "Plugins", "TestSupport", "Workspaces"]),
        .testTarget(name: "IntentsTests", dependencies: ["Intents", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(name: "DialogueTests", dependencies: ["Dialogue", "TestSupport"]),
        .testTarget(name: "SkillsTests", dependencies: ["Dialogue", "Skills", "TestSupport"]),
        .testTarget(
            name: "MCPTests", dependencies: ["Basics", "Dialogue", "MCP", "TestSupport", "ise"], exclude: ["Fixtures"]),
        .testTarget(
            name: "RunsTests", dependencies: ["Basics", "Plugins", "Runs", "TestSupport", "Workspaces", "ise"]),
        .target(
            name: "TestSupport",
            dependencies: ["Basics", "JSON", "Workspaces", .product(name: "FlyingFox", package: "FlyingFox")],
            path: "Tests/TestSupport"),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

var strictC: [CSetting] {
    [.define("_GNU_SOURCE"), .unsafeFlags(["-Wall", "-Wextra", "-Werror"])]
}
