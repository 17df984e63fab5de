/// What all workspaces of a host are made of.
public struct HostOptions: Sendable {
    public var root = Root.host
    public var binds: [Bind] = []

    public init() {}

    public enum Root: Sendable, Hashable {
        /// An allow-list of this machine's system directories.
        case host
        /// A directory that holds a whole system: unpacked from an image, or made by debootstrap. It is not changed.
        case directory(String)
        /// A tar of one, plain or packed by gzip, bzip2, xz or zstd. Unpacked once, see `RootArchive`.
        case archive(String)
    }

    /// A directory or a file of the host, seen read-only in every workspace. What the host changes there meanwhile may not be seen.
    public struct Bind: Sendable, Hashable {
        /// On the host.
        public var source: String
        /// Inside; absolute.
        public var path: String

        public init(_ source: String, at path: String) {
            self.source = source
            self.path = path
        }
    }
}
