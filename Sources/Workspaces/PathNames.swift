/// Paths taken apart as the kernel does it, at bytes. To a `Character` a slash with a combining mark behind it is no slash, and
/// strings that Unicode holds to be equal are different names of files: neither must decide where a path leads.
extension String {
    /// The names between the slashes.
    package var pathNames: [Substring] {
        utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
    }

    package var isAbsolutePath: Bool { utf8.first == UInt8(ascii: "/") }
}
