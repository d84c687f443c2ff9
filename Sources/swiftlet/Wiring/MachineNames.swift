import APIMachinery
import Glibc
import NodeSetup

/// How this machine is called, and how it is reached.
enum MachineNames {
    /// The host name, as a node's name has to be: lower case.
    static func host() -> String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
        let name: String = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name.lowercased()
    }

    /// The addresses of a family that others reach this machine by.
    static func addresses(_ family: IPAddress.Family) -> [String] {
        family == .v4 ? addresses() : addresses6(Files.text("/proc/net/if_inet6") ?? "")
    }

    private static let containerNetworks: [String] = ["swiftlet", "cni", "docker", "veth", "br-"]

    /// From the text of `/proc/net/if_inet6`: global ones that are to last.
    static func addresses6(_ text: String) -> [String] {
        // fd000000000000000000000000000002 04 40 00 82     eth0
        text.split(separator: "\n").compactMap { line in
            let fields: [Substring] = line.split(separator: " ")
            guard fields.count == 6, fields[3] == "00", let flags = UInt8(fields[4], radix: 16),
                flags & 0x21 == 0,  // neither temporary nor deprecated
                fields[5] != "lo", !containerNetworks.contains(where: { fields[5].hasPrefix($0) }),
                let bits = UInt128(fields[0], radix: 16)
            else { return nil }
            return IPAddress(v6: bits).description
        }
    }

    /// The addresses of interfaces that are up, without loopback, link-local ones and bridges of container networks.
    /// Falls back to loopback on a machine without a network.
    static func addresses(without prefixes: [String] = containerNetworks) -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return ["127.0.0.1"] }
        defer { freeifaddrs(list) }
        var found: [String] = []
        var next: UnsafeMutablePointer<ifaddrs>? = list
        while let entry = next {
            next = entry.pointee.ifa_next
            let name = String(cString: entry.pointee.ifa_name)
            guard let address = entry.pointee.ifa_addr, Int32(address.pointee.sa_family) == AF_INET,
                entry.pointee.ifa_flags & UInt32(IFF_UP) != 0, name != "lo",
                !prefixes.contains(where: { name.hasPrefix($0) })
            else { continue }
            let text: String = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                var buffer = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
                var raw: in_addr = pointer.pointee.sin_addr
                inet_ntop(AF_INET, &raw, &buffer, socklen_t(INET_ADDRSTRLEN))
                return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            if !text.hasPrefix("169.254.") { found.append(text) }
        }
        return found.isEmpty ? ["127.0.0.1"] : found
    }
}
