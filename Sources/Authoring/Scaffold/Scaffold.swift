import Basics
import JSON
import Plugins

/// A new plugin that works, passes lint and its tests, and shows what its kind does.
public struct Scaffold: Sendable {
    public let kind: PluginManifest.Kind
    public let name: String
    /// By path in the plugin's folder.
    public let files: [(path: String, text: String)]

    /// - Throws: for a name that a manifest would not take.
    public init(kind: PluginManifest.Kind, name: String) throws(AuthoringError) {
        self.kind = kind
        self.name = name
        let template = Self.template(kind)
        let id = Self.identifier(name)
        func fill(_ text: String) -> String { text.replacing("NAME", with: name).replacing("UUID", with: id) }
        files = [
            ("plugin.json", fill(template.manifest)), ("main.lua", fill(template.main)),
            ("spec/\(name)_spec.lua", fill(template.spec)),
        ]
        do throws(ManifestProblem) {
            guard let json = try? JSONValue(parsing: files[0].text) else { return }
            _ = try PluginManifest(json)
        } catch {
            throw AuthoringError(error.message)
        }
    }

    /// Writes it below a directory of plugins and returns its folder. What is there already stays, and is an error.
    public func write(in directory: String) throws(AuthoringError) -> String {
        let folder = "\(directory)/\(kind.folder)/\(name)"
        for place in [folder, folder + ".lua"] where Files.isDirectory(place) || Files.isFile(place) {
            throw AuthoringError("\(place) is there already; choose another name, or remove it first")
        }
        for file in files { try writeFile("\(folder)/\(file.path)", Array(file.text.utf8)) }
        return folder
    }

    struct Template {
        var manifest: String
        var main: String
        var spec: String
    }

    private static func template(_ kind: PluginManifest.Kind) -> Template {
        switch kind {
        case .tool: .tool
        case .persona: .persona
        case .domain: .domain
        case .simulator: .simulator
        case .agent: .agent
        case .guard: .guard
        case .checker: .checker
        case .library: .library
        }
    }

    /// A UUID of the name's own.
    private static func identifier(_ name: String) -> String {
        var random = SplitMix(seed: name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
        let digits = (0..<2).map { _ in
            let hex = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - hex.count) + hex
        }.joined()
        let d = Array(digits)
        return
            "\(String(d[0..<8]))-\(String(d[8..<12]))-4\(String(d[13..<16]))-a\(String(d[17..<20]))-\(String(d[20..<32]))"
    }
}
