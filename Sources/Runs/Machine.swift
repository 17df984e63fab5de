import CCrypto
import CCurl
import CLua
import CSeccomp
import Glibc

/// The machine in words.
enum System {
    static var description: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        let kernel = withUnsafeBytes(of: name.release) { text($0) }
        let architecture = withUnsafeBytes(of: name.machine) { text($0) }
        return
            "Linux \(kernel) \(architecture), \(RunConfiguration.processors) processors, \(memory), user id \(geteuid())"
    }

    private static var memory: String {
        let bytes = sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE))
        return "\((Double(bytes) / 1_073_741_824).fixed(1)) GiB"
    }

    private static func text(_ field: UnsafeRawBufferPointer) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// The libraries that ISE is linked with, as they call themselves.
enum Libraries {
    static var description: String {
        let lua = "Lua \(LUA_VERSION_NUM / 100).\(LUA_VERSION_NUM % 100).\(LUA_VERSION_RELEASE)"
        let curl = String(cString: curl_version()).split(separator: " ").first ?? "libcurl"
        let crypto = String(cString: OpenSSL_version(OPENSSL_VERSION)).split(separator: " ").prefix(2).joined(
            separator: " ")
        let seccomp = seccomp_version().map { "libseccomp \($0.pointee.major).\($0.pointee.minor).\($0.pointee.micro)" }
        return [lua, String(curl), crypto, seccomp ?? "libseccomp"].joined(separator: ", ")
    }
}
