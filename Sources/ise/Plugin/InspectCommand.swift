import ArgumentParser
import Authoring
import JSON

struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Shows what a plugin is, may do and may use, without running it.")

    @OptionGroup var plugin: OnePlugin

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let inspection = Inspection(try plugin.find())
        print(json ? inspection.json.compact : inspection.text)
    }
}
