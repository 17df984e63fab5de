import Models
import Testing

@Suite struct ChatSettingsTests {
    private let environment = [
        "ISE_AGENT_URL": "http://agent:1/v1", "ISE_AGENT_MODEL": "a", "ISE_AGENT_KEY": "agent-key",
        "ISE_SIMULATOR_URL": "https://simulator/v1", "ISE_SIMULATOR_MODEL": "s", "OPENAI_API_KEY": "openai-key",
    ]

    @Test func `agent and simulator are configured apart`() throws {
        let agent = try ChatSettings(role: .agent, flags: .init(), environment: environment)
        #expect(agent.endpoint == "http://agent:1/v1/chat/completions")
        #expect(agent.model == "a")
        #expect(agent.key?.value == "agent-key")
        let simulator = try ChatSettings(role: .simulator, flags: .init(), environment: environment)
        #expect(simulator.url == "https://simulator/v1")
        #expect(simulator.key?.value == "openai-key")
    }

    @Test func `flags go before the environment, and empty ones do not count`() throws {
        let flags = ChatSettings.Flags(url: " http://flag/v1/ ", model: "", key: "flag-key")
        let settings = try ChatSettings(role: .agent, flags: flags, environment: environment)
        #expect(settings.url == "http://flag/v1")
        #expect(settings.model == "a")
        #expect(settings.key?.value == "flag-key")
    }

    @Test func `no key at all is fine`() throws {
        let flags = ChatSettings.Flags(url: "http://127.0.0.1:8080/v1/chat/completions", model: "m")
        let settings = try ChatSettings(role: .agent, flags: flags, environment: [:])
        #expect(settings.key == nil)
        #expect(settings.url == "http://127.0.0.1:8080/v1")
    }

    @Test func `what is missing is named with both ways to give it`() {
        let noURL = #expect(throws: ChatSettingsError.self) {
            try ChatSettings(role: .simulator, flags: .init(), environment: [:])
        }
        #expect(noURL?.description.contains("--simulator-url") == true)
        #expect(noURL?.description.contains("ISE_SIMULATOR_URL") == true)
        let noModel = #expect(throws: ChatSettingsError.self) {
            try ChatSettings(role: .agent, flags: .init(url: "http://x/v1"), environment: [:])
        }
        #expect(noModel?.description.contains("ISE_AGENT_MODEL") == true)
    }

    @Test(arguments: ["localhost:8080", "ftp://x/v1", "http://a b/v1"])
    func `a URL that cannot be used is refused at once`(url: String) {
        let error = #expect(throws: ChatSettingsError.self) {
            try ChatSettings(role: .agent, flags: .init(url: url, model: "m"), environment: [:])
        }
        #expect(error?.description.contains("http://127.0.0.1:8080/v1") == true)
    }
}
