import Testing
import Trace

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_210_096_789, "2024-02-29T12:34:56.789Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func `it is written and read as RFC 3339`(milliseconds: Int64, text: String) {
        let time = Timestamp(millisecondsSinceEpoch: milliseconds)
        #expect(time.rfc3339 == text)
        #expect(Timestamp(rfc3339: text) == time)
    }

    @Test(arguments: [
        "2023-02-29T00:00:00.000Z", "2023-13-01T00:00:00.000Z", "2023-01-01 00:00:00.000Z", "2023-01-01T24:00:00.000Z",
        "2023-01-01T00:00:00Z", "2023-01-01T00:00:00.000+", "",
    ])
    func `what is no time is refused`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `days of four centuries survive a round trip`() {
        for day in stride(from: 0, to: 146_097, by: 11) {
            let time = Timestamp(millisecondsSinceEpoch: Int64(day) * 86_400_000 + 1)
            #expect(Timestamp(rfc3339: time.rfc3339) == time)
        }
    }

    @Test func `now is later than this test was written`() throws {
        #expect(Timestamp.now() > (try #require(Timestamp(rfc3339: "2025-01-01T00:00:00.000Z"))))
    }
}
