import Glibc
import WorkspaceShim

extension Policy {
    /// The policy as the launcher takes it, its seccomp filter compiled.
    func message(number: UInt32, on machine: IsolationReport) throws(WorkspaceError) -> OutgoingMessage {
        try check(on: machine)
        var message = OutgoingMessage(ISE_POLICY, id: number)
        message.add(ISE_T_DISK_BYTES, limits.diskBytes)
        message.add(ISE_T_INODES, limits.inodes)
        message.add(ISE_T_NETWORK, networkNumber)
        message.add(ISE_T_ROOT_IDENTITY, identity == .root ? 1 : 0)
        message.add(ISE_T_LISTENER, reportsDenials || tracksProcesses ? 1 : 0)
        var secret: [UInt32] = [0, 0]
        ise_random(&secret, 8)
        message.add(ISE_T_SECRET, bytes: secret.withUnsafeBytes(Array.init))
        message.add(ISE_T_FILTER, bytes: try compileFilter(secret))
        addGroupLimits(&message, machine)
        addProcessLimits(&message, machine)
        return message
    }

    /// Fails closed: a required limit that would only be a wish is an error.
    private func check(on machine: IsolationReport) throws(WorkspaceError) {
        for limit in limits.required.sorted(by: { $0.rawValue < $1.rawValue }) where !machine.enforces(limit) {
            throw WorkspaceError(
                .limitUnenforceable,
                "the policy requires a \(limit.rawValue) limit for the whole workspace, which this machine cannot enforce: "
                    + "that needs the controller for it of cgroup v1 or v2, and root or a delegated group; ise doctor says more"
            )
        }
        if network != .host, !machine.networkNamespaces {
            throw WorkspaceError(
                .limitUnenforceable,
                "the policy asks for the network \(network), which needs network namespaces: this machine cannot make them"
            )
        }
        guard limits.diskBytes > 0, limits.inodes > 64, limits.openFiles >= 16 else {
            throw WorkspaceError(
                .limitUnenforceable,
                "a workspace needs disk_bytes > 0, inodes > 64 and open_files >= 16; the policy gives "
                    + "\(limits.diskBytes), \(limits.inodes) and \(limits.openFiles)")
        }
    }

    private var networkNumber: UInt32 {
        switch network {
        case .none: ISE_NETWORK_NONE.rawValue
        case .loopback: ISE_NETWORK_LOOPBACK.rawValue
        case .allowList: ISE_NETWORK_ALLOW_LIST.rawValue
        case .host: ISE_NETWORK_HOST.rawValue
        }
    }

    private func compileFilter(_ secret: [UInt32]) throws(WorkspaceError) -> [UInt8] {
        var flags: UInt32 = 0
        if reportsDenials { flags |= ISE_FILTER_NOTIFY.rawValue }
        if network.isPrivate { flags |= ISE_FILTER_ROUTE_NETLINK.rawValue }
        if tracksProcesses { flags |= ISE_FILTER_PROCESSES.rawValue }
        if identity == .root { flags |= ISE_FILTER_ROOT.rawValue }
        var program: UnsafeMutableRawPointer?
        var length = 0
        let error = ise_filter_compile(ISE_NATIVE, flags, secret, &program, &length)
        guard error == 0, let program else { throw .failed(stage: "compile the seccomp filter", errno: error) }
        defer { free(program) }
        return Array(UnsafeRawBufferPointer(start: program, count: length))
    }

    private func addGroupLimits(_ message: inout OutgoingMessage, _ machine: IsolationReport) {
        if let memory = limits.memoryBytes, machine.enforces(.memory) { message.add(ISE_T_MEMORY, memory) }
        if let processes = limits.processes { message.add(ISE_T_PROCESSES, processes) }
        if let percent = limits.cpuPercent, machine.enforces(.cpu) { message.add(ISE_T_CPU_PERCENT, percent) }
    }

    private func addProcessLimits(_ message: inout OutgoingMessage, _ machine: IsolationReport) {
        func add(_ resource: __rlimit_resource, _ value: Int) {
            let pair = [UInt64(resource.rawValue), UInt64(max(0, value))]
            message.add(ISE_T_RLIMIT, bytes: pair.withUnsafeBytes(Array.init))
        }
        add(RLIMIT_CORE, 1)  // not 0: see filter.c
        add(RLIMIT_NOFILE, limits.openFiles)
        add(__RLIMIT_SIGPENDING, 4096)
        // One more than the control group has, so that this one is hit, and counts it.
        if let processes = limits.processes { add(__RLIMIT_NPROC, processes + (machine.countsProcesses ? 1 : 0)) }
        if let bytes = limits.fileBytes { add(RLIMIT_FSIZE, bytes) }
        if let memory = limits.memoryBytes, !machine.enforces(.memory) { add(RLIMIT_DATA, memory) }
    }
}
