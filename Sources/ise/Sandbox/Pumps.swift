import Basics
import Glibc
import Workspaces

/// Copies between this process's own streams and a job's. Reading and writing may wait for as long as somebody at the other end likes,
/// so it is done on threads that nobody else needs.
enum Pumps {
    static let chunk = 64 << 10

    /// Until the end of the output. A reader that goes away is told to the command by its own pipe.
    static func pass(_ chunks: OutputChunks, to descriptor: CInt) async {
        for await chunk in chunks {
            guard await blocking({ write(chunk, to: descriptor) }) else { return chunks.stop() }
        }
    }

    /// Until the end of the input, or of the command's interest in it.
    static func pass(_ descriptor: CInt, to job: Job) async {
        while let chunk = await blocking({ readChunk(descriptor) }), !chunk.isEmpty {
            guard await job.send(chunk) else { return }
        }
        if job.request.terminal != nil { job.signal(SIGHUP) } else { job.finishInput() }
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                wait(for: descriptor, POLLOUT)
            } else if count < 0, errno != EINTR {
                return false
            }
        }
        return true
    }

    /// Nil when it cannot be read.
    private static func readChunk(_ descriptor: CInt) -> [UInt8]? {
        while true {
            var got = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: chunk) { buffer, count in
                got = read(descriptor, buffer.baseAddress, buffer.count)
                count = max(0, got)
            }
            if got >= 0 { return chunk }
            if errno == EAGAIN { wait(for: descriptor, POLLIN) } else if errno != EINTR { return nil }
        }
    }

    /// Whoever gave us the descriptor may have made it one that doesn't wait.
    private static func wait(for descriptor: CInt, _ events: CInt) {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        poll(&entry, 1, -1)
    }
}
