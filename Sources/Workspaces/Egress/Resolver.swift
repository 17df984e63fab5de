import Dispatch
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

/// Runs lookups, each on a thread of its own and only so many at once: a slow name server must not take the threads
/// that other workspaces wait for.
actor LookUps {
    private let limit = 4
    private var running = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func run(_ body: @escaping @Sendable () -> (Resolution, Set<IPAddress>)) async -> (Resolution, Set<IPAddress>) {
        if running == limit {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            running += 1
        }
        let result = await withCheckedContinuation { continuation in
            DispatchQueue(label: "ise.lookup").async { continuation.resume(returning: body()) }
        }
        // Whoever waits takes over the place.
        if waiting.isEmpty { running -= 1 } else { waiting.removeFirst().resume() }
        return result
    }
}
