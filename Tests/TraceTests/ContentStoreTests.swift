import Glibc
import TestSupport
import Testing
import Trace

@Suite struct ContentStoreTests {
    @Test func `the same bytes are kept once, under their hash`() throws {
        let bench = try TraceBench()
        let bytes = Array("some bytes".utf8)
        let hash = try bench.store.put(bytes)
        #expect(try bench.store.put(bytes) == hash)
        #expect(bench.directory.files() == ["blobs/\(hash.hex.prefix(2))/\(hash.hex)"])
        #expect(try bench.store.bytes(of: hash) == bytes)
        #expect(bench.store.size(of: hash) == 10)
        #expect(try bench.store.isIntact(hash))
    }

    @Test func `a missing blob is an error that names the file`() throws {
        let bench = try TraceBench()
        let hash = ContentHash(of: "never stored")
        #expect(bench.store.size(of: hash) == nil)
        let error = #expect(throws: TraceError.self) { try bench.store.bytes(of: hash) }
        #expect(error?.code == .notFound)
        #expect(error?.path == bench.store.path(of: hash))
    }

    @Test func `many writers may put the same and other bytes at once`() async throws {
        let bench = try TraceBench()
        let hashes = try await withThrowingTaskGroup(of: ContentHash.self) { group in
            for index in 0..<64 {
                group.addTask { try bench.store.put(Array("blob \(index % 8)".utf8)) }
            }
            return try await group.reduce(into: Set<ContentHash>()) { $0.insert($1) }
        }
        #expect(hashes.count == 8)
        #expect(bench.directory.files().count == 8)
        for hash in hashes { #expect(try bench.store.isIntact(hash)) }
    }

    @Test func `an altered blob is not intact, and one of another size is put right`() throws {
        let bench = try TraceBench()
        let bytes = Array("some bytes".utf8)
        let hash = try bench.store.put(bytes)
        try writeFile(bench.store.path(of: hash), Array("some bytez".utf8))
        #expect(try !bench.store.isIntact(hash))
        try writeFile(bench.store.path(of: hash), [])
        try bench.store.put(bytes)
        #expect(try bench.store.isIntact(hash))
    }

    @Test func `only old leftovers of killed writers are removed`() throws {
        let bench = try TraceBench()
        let hash = try bench.store.put(Array("whole".utf8))
        try writeFile(bench.store.path(of: hash) + ".1.2.tmp", Array("wh".utf8))
        bench.store.removeLeftovers(olderThan: 3600)
        #expect(bench.directory.files().count == 2)
        bench.store.removeLeftovers(olderThan: 0)
        #expect(bench.directory.files() == ["blobs/\(hash.hex.prefix(2))/\(hash.hex)"])
    }
}
