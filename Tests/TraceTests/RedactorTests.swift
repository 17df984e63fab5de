import FoundationEssentials
import Testing
import Trace

@Suite struct RedactorTests {
    private let secret = "s3cr3t/va+lue \"quoted\""

    private var redactor: Redactor { Redactor(secrets: [.init(name: "agent-key", value: secret)]) }

    @Test func `a known secret is found in the spellings that programs print`() {
        let bytes = Array(secret.utf8)
        let hex = bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
        let url = "s3cr3t%2Fva%2Blue%20%22quoted%22"
        let json = #"s3cr3t/va+lue \"quoted\""#
        for spelling in [secret, hex, hex.uppercased(), url, url.lowercased(), json, Data(bytes).base64EncodedString()]
        {
            #expect(redactor.redact("before \(spelling) after") == "before [REDACTED:agent-key] after")
        }
    }

    @Test(arguments: 0..<7, 0..<4)
    func `a secret inside longer text is found when the text was encoded in base64`(before: Int, after: Int) {
        let text = String(repeating: "a", count: before) + secret + String(repeating: "z", count: after)
        let encoded = Data(text.utf8).base64EncodedString()
        #expect(redactor.redact(encoded).contains("[REDACTED:agent-key]"))
        let urlSafe = encoded.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        #expect(redactor.redact(urlSafe).contains("[REDACTED:agent-key]"))
    }

    @Test(arguments: [
        ("OPENAI_API_KEY=sk-proj-abcdefghij0123456789XYZ", "OPENAI_API_KEY=[REDACTED:api-key]"),
        (
            "https://u:ghp_abcdefghijklmnopqrstuvwxyz0123456789@github.com/x",
            "https://u:[REDACTED:github-token]@github.com/x"
        ),
        ("id AKIAIOSFODNN7EXAMPLE.", "id [REDACTED:aws-key-id]."),
        ("Authorization: Bearer abcdefghij.klmnop-1234567890", "Authorization: [REDACTED:bearer-token]"),
        ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w y", "x [REDACTED:jwt] y"),
        (
            "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb",
            "a\n[REDACTED:private-key]\nb"
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE and then it was cut", "[REDACTED:private-key]"),
    ])
    func `tokens of well-known kinds are taken out`(text: String, expected: String) {
        #expect(Redactor().redact(text) == expected)
    }

    @Test(arguments: [
        "task-abcdefghij0123456789-abc", "sk-folding-cube-animation-wrapper", "AKIA", "the hf_ prefix", "eyJ",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", "",
    ])
    func `innocent text stays`(text: String) {
        #expect(Redactor().redact(text) == text)
    }

    @Test func `secrets side by side and nested ones leave nothing`() {
        let redactor = Redactor(secrets: [
            .init(name: "short", value: "abcdefgh"), .init(name: "long", value: "abcdefgh-ijklmnop"),
        ])
        #expect(redactor.redact("abcdefghabcdefgh") == "[REDACTED:short][REDACTED:short]")
        #expect(redactor.redact("xabcdefgh-ijklmnopx") == "x[REDACTED:long]x")
    }

    @Test func `a value too short to be looked for is named, an empty one is not`() {
        let redactor = Redactor(secrets: [.init(name: "tiny", value: "EMPTY"), .init(name: "none", value: "")])
        #expect(redactor.redact("EMPTY") == "EMPTY")
        #expect(redactor.ignored == ["tiny"])
    }

    @Test func `bytes that are no text are searched too`() {
        let bytes = [0xFF, 0x00] + Array(secret.utf8) + [0xFE]
        #expect(redactor.redact(bytes) == [0xFF, 0x00] + Array("[REDACTED:agent-key]".utf8) + [0xFE])
    }
}
