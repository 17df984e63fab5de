/// Whoever reads or writes traces names hashes.
@_exported import Hashing
