import ArgumentParser
import JSON
import Plugins
import Runs

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Says what this machine can enforce, what is missing, and how to get it.",
        discussion: "Exit status 1 when trajectories cannot be run here.")

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var plugins: PluginPlaces

    func run() async throws {
        let directories = try plugins.find()
        let diagnosis = await Diagnosis.make(pluginDirectories: directories)
        print(json ? diagnosis.json.compact : diagnosis.text)
        if !diagnosis.canRun { throw ExitCode(1) }
    }
}
