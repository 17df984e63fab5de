import Glibc
import TestSupport
import Testing

private let hasBusybox = access("/usr/bin/busybox", X_OK) == 0

@Suite struct SandboxRootTests {
    @Test(.enabled(if: hasBusybox, "needs /usr/bin/busybox (Debian: busybox-static)"))
    func `A tar serves as the system, unpacked once`() async throws {
        let place = try TemporaryDirectory()
        let script = """
            set -e; cd "$PLACE"; mkdir -p r/bin r/etc; cp /usr/bin/busybox r/bin; chmod 4755 r/bin/busybox
            for name in sh cat stat; do ln -s /bin/busybox r/bin/$name; done
            echo another > r/etc/motd; tar -C r -czf r.tgz .; rm -r r
            for time in 1 2; do
                "$ISE" sandbox --root r.tgz -- sh -c 'cat /etc/motd; stat -c %a /bin/busybox; test -e /usr/bin/python3 || echo none'
            done
            ls cache/ise/roots | wc -l
            """
        let ending = try await hostScript(
            script, environment: ["PLACE": place.path, "XDG_CACHE_HOME": place.file("cache")])
        #expect(ending.stdout == "another\n755\nnone\nanother\n755\nnone\n1\n", "\(ending)")
    }

    @Test func `A tar that leads out is refused and leaves nothing`() async throws {
        let place = try TemporaryDirectory()
        let script = """
            set -e; cd "$PLACE"; mkdir -p r/bin outside; echo x > r/bin/sh; echo pwned > r/pwned
            ln -s "$PLACE/outside" r/d; tar -C r -cf r.tar bin d; tar -C r -rf r.tar --transform 's|^|d/|' pwned; rm -r r
            "$ISE" sandbox --root r.tar -- echo ran || echo "status $?"
            """
        let ending = try await hostScript(
            script, environment: ["PLACE": place.path, "XDG_CACHE_HOME": place.file("cache")])
        #expect(
            ending.stdout == "status 125\n" && ending.stderr.contains("below d, which is no directory"), "\(ending)")
        #expect(place.files() == ["r.tar"])
    }
}
