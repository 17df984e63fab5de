import Glibc
import WorkspaceShim

/// What a name stands for, asked once for each attempt: what is checked is what is connected to.
struct Resolution: Sendable {
    var addresses: [IPAddress]
    /// Why there are none.
    var failure = ""
}

enum Resolver {
    /// Waits for the network: not for the cooperative pool.
    static func resolve(_ name: String) -> Resolution {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let error = getaddrinfo(name, nil, &hints, &list)
        guard error == 0 else { return Resolution(addresses: [], failure: String(cString: gai_strerror(error))) }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        for entry in sequence(first: list, next: { $0?.pointee.ai_next }) {
            guard let raw = entry?.pointee.ai_addr, let address = IPAddress(raw), !addresses.contains(address) else {
                continue
            }
            addresses.append(address)
        }
        return Resolution(addresses: addresses, failure: addresses.isEmpty ? "it has no address" : "")
    }

    /// The host's own addresses, public ones too: what listens there may count on a firewall that stands before the
    /// host.
    static func ownAddresses() -> Set<IPAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        return Set(
            sequence(first: list, next: { $0?.pointee.ifa_next }).compactMap { entry in
                entry?.pointee.ifa_addr.flatMap { IPAddress($0) }
            })
    }
}
