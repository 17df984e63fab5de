/// The fixed points of the trace format.
///
/// A trace is a file of lines; each line is one JSON object, an event:
///
///     {"seq":0,"time":"…","type":"…","turn":null,"parent":null, …payload…, "prev":"<64 hex digits>"}
///
/// `prev` is the SHA-256 of the line before, without its newline (64 zeros in the first line). So every line vouches
/// for all that stand before it. Nothing follows the last line, the `end` event, so that one vouches for itself: its
/// last key, `self`, is the SHA-256 of the line's own bytes up to `,"self"`.
public enum TraceFormat {
    /// Counts incompatible changes; stands in the `start` event.
    public static let version = 1

    /// A line never is longer, so that a reader's memory is bounded.
    public static let maximumLineBytes = 64 << 20

    /// A string that is longer in UTF-8 goes to the content store.
    public static let spillThreshold = 16 << 10

    /// How much of a spilled string's start and of its end stays in the line.
    public static let excerptBytes = 2 << 10

    public static let fileExtension = ".jsonl"

    /// Of a trace that is being written, or whose writer died.
    public static let partialExtension = ".jsonl.part"

    /// The keys that a payload may not have.
    static let reservedKeys: Set<String> = ["seq", "time", "type", "turn", "parent", "prev", "self"]
}
