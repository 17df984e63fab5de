import JSON
import TestSupport
import Testing

@testable import Workspaces

/// The name of a policy.
@Suite struct PolicyDigestTests {
    private func digest(_ text: String) throws -> String {
        try PolicyFile(parsing: Array(text.utf8)).digest.description
    }

    @Test func `The usual policy has the same digest everywhere`() throws {
        // Changes only with the format or a default: whoever changes one changes what old digests mean.
        let usual = "sha256:1ef7fe73fb12fd79cbd5d39cc2088ecb8908a031c65ccf031da062cb6f05b27f"
        #expect(PolicyFile().digest.description == usual)
        #expect(try digest("{}") == usual)
        #expect(PolicyFile(Policy()).digest.description == usual)
    }

    @Test func `How a value is spelled does not count, nor the order of keys`() throws {
        #expect(
            try digest(#"{"limits": {"memory": "1GiB", "processes": 9}, "exec": {"timeout": "90s"}}"#)
                == digest(#"{"exec": {"timeout": 90}, "limits": {"processes": 9, "memory": 1073741824}}"#))
        #expect(try digest(#"{"network": "loopback", "denials": true}"#) == digest("{}"))
    }

    @Test func `Every key counts`() throws {
        let others = [
            #"{"network": "none"}"#, #"{"network": "allow-list"}"#,
            #"{"network": "allow-list", "egress": {"allow": ["a.org:443"]}}"#, #"{"egress": {"connections": 3}}"#,
            #"{"egress": {"total_bytes": 9}}"#, #"{"egress": {"idle": 9}}"#, #"{"egress": {"connect": 9}}"#,
            #"{"identity": "root"}"#, #"{"limits": {"disk": "64MiB"}}"#, #"{"limits": {"inodes": 1000}}"#,
            #"{"limits": {"memory": null}}"#, #"{"limits": {"processes": 9}}"#, #"{"limits": {"cpu_percent": 50}}"#,
            #"{"limits": {"open_files": 20}}"#, #"{"limits": {"file_bytes": "1k"}}"#,
            #"{"limits": {"required": ["memory"]}}"#, #"{"exec": {"timeout": 9}}"#, #"{"exec": {"silence": 9}}"#,
            #"{"exec": {"cpu_seconds": 9}}"#, #"{"exec": {"output": 4096}}"#, #"{"changes": "content"}"#,
            #"{"denials": false}"#, #"{"process_tree": true}"#, #"{"root": "/srv/x"}"#, #"{"binds": ["/a:/c"]}"#,
        ]
        let digests = try Set((others + ["{}"]).map(digest))
        #expect(digests.count == others.count + 1)
        #expect(others.count > PolicyFile.keys.count)
    }

    @Test func `A file has one digest, wherever it lies`() throws {
        let text = #"{"root": "image", "binds": ["data:/data", "/srv/x:/x"]}"#
        let places = try [TemporaryDirectory(), TemporaryDirectory()]
        let digests = try places.map { place in
            try place.write("policy.json", Array(text.utf8))
            return try PolicyFile(path: place.file("policy.json")).digest
        }
        #expect(digests[0] == digests[1])
        #expect(try digests[0].description == digest(text))
    }
}
