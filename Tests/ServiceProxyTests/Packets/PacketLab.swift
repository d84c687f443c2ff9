import Glibc
import Netfilter
import NetfilterKernel
import Synchronization
import Testing

/// A machine in miniature, of network namespaces: a node with a bridge, pods on it, and a host outside.
///
///     outside 192.0.2.2 ── 192.0.2.1 node 10.244.0.1 ══ bridge ══ pod1 10.244.0.11, pod2 10.244.0.12, …
///             2001:db8::2         ::1      fd00:244::1                  fd00:244::11
///
/// Pods answer TCP and UDP on 8080, with their name and the client's address as they see it.
final class PacketLab: Sendable {
    static let pods: [String] = ["pod1", "pod2", "pod3"]

    private static let counter: Mutex<Int> = Mutex(0)

    let prefix: String
    let kernel: KernelNetfilter
    private let servers: Mutex<[(descriptor: Int32, thread: pthread_t)]> = Mutex([])

    init(bridgeFilters: Bool = true) throws {
        let number: Int = Self.counter.withLock { counter in
            counter += 1
            return counter
        }
        prefix = "sp\(getpid())-\(number)-"
        let names: [String] = ["node", "outside"] + Self.pods
        for name in names { try Self.run("ip netns add \(prefix)\(name)") }
        kernel = try NamespaceThread.value(in: prefix + "node") {
            Result { () throws(KernelNetfilter.Error) in try KernelNetfilter() }
        }.get()
        for name in names {
            // Addresses of interfaces are usable at once, and errors come as often as there is cause.
            NamespaceThread.run(in: prefix + name) {
                for place in ["all", "default"] { Self.write("0", "/proc/sys/net/ipv6/conf/\(place)/accept_dad") }
                for version in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
                    Self.write("0", "/proc/sys/net/" + version)
                }
            }
        }
        var script: [String] = []
        script += [
            "link add br0 type bridge", "addr add 10.244.0.1/24 dev br0", "addr add fd00:244::1/64 dev br0 nodad",
        ]
        script += ["link set br0 up", "link set lo up"]
        script += ["link add up0 type veth peer name eth0 netns \(prefix)outside", "addr add 192.0.2.1/24 dev up0"]
        script += ["addr add 2001:db8::1/64 dev up0 nodad", "link set up0 up"]
        for pod in Self.pods {
            script.append("link add v\(pod) type veth peer name eth0 netns \(prefix)\(pod)")
            script.append("link set v\(pod) master br0")
            script.append("link set v\(pod) up")
            script.append("link set v\(pod) type bridge_slave hairpin on")
        }
        script += ["route add default via 192.0.2.2", "route add default via 2001:db8::2"]
        try batch("node", script.filter { !$0.contains("route") })
        try batch("outside", Self.interface("192.0.2.2", "2001:db8::2", "192.0.2.1", "2001:db8::1"))
        for pod in Self.pods {
            try batch(pod, Self.interface(Self.address(pod), Self.address6(pod), "10.244.0.1", "fd00:244::1"))
        }
        try batch("node", script.filter { $0.contains("route") })
        var settings: [String] = ["net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1"]
        for name in ["iptables", "ip6tables"] {
            settings.append("net/bridge/bridge-nf-call-\(name)=\(bridgeFilters ? 1 : 0)")
        }
        for setting in settings {
            let parts = setting.split(separator: "=")
            NamespaceThread.run(in: prefix + "node") { Self.write(String(parts[1]), "/proc/sys/" + parts[0]) }
        }
        for pod in Self.pods { serve(pod, name: pod) }
    }

    deinit {
        for server in servers.withLock({ $0 }) {
            shutdown(server.descriptor, Int32(SHUT_RDWR))
            pthread_join(server.thread, nil)
            close(server.descriptor)
        }
        for name in ["node", "outside"] + Self.pods { try? Self.run("ip netns del \(prefix)\(name)") }
    }

    static func address(_ pod: String) -> String { "10.244.0.1" + String(pod.last ?? "0") }
    static func address6(_ pod: String) -> String { "fd00:244::1" + String(pod.last ?? "0") }

    private static func interface(_ four: String, _ six: String, _ gateway: String, _ gateway6: String) -> [String] {
        [
            "link set lo up", "addr add \(four)/24 dev eth0", "addr add \(six)/64 dev eth0 nodad", "link set eth0 up",
            "route add default via \(gateway)", "route add default via \(gateway6)",
        ]
    }

    // MARK: - Programs

    static func run(_ command: String) throws {
        let status: Int32 = shell(command)
        try #require(status == 0, "\(command)")
    }

    private static func shell(_ command: String) -> Int32 {
        var process = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(command), nil]
        defer { for argument in arguments { free(argument) } }
        guard posix_spawn(&process, "/bin/sh", nil, nil, &arguments, environ) == 0 else { return -1 }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }

    /// What a program prints in the node's namespace.
    func output(_ command: String) throws -> String {
        let path: String = "/tmp/\(prefix)output"
        defer { unlink(path) }
        try Self.run("ip netns exec \(prefix)node \(command) > \(path) 2>&1")
        let descriptor: Int32 = open(path, O_RDONLY)
        defer { close(descriptor) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count: Int = read(descriptor, &buffer, buffer.count)
            if count <= 0 { break }
            text += buffer.prefix(count)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func batch(_ namespace: String, _ lines: [String]) throws {
        let path: String = "/tmp/\(prefix)batch"
        defer { unlink(path) }
        Self.write(lines.joined(separator: "\n") + "\n", path)
        try Self.run("ip -n \(prefix)\(namespace) -batch \(path)")
    }

    private static func write(_ text: String, _ path: String) {
        let descriptor: Int32 = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { return }
        let bytes: [UInt8] = Array(text.utf8)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    // MARK: - Packets

    /// Serves TCP and UDP over IPv4 and IPv6, on all addresses of a namespace.
    func serve(_ namespace: String, name: String, port: Int = 8080) {
        for isStream in [true, false] {
            let descriptor: Int32 = NamespaceThread.value(in: prefix + namespace) {
                PacketSocket.listen(SocketAddress("::", port), isStream: isStream)
            }
            let thread: pthread_t = NamespaceThread.start(in: prefix + namespace) {
                PacketSocket.serve(descriptor, isStream: isStream, name: name)
            }
            servers.withLock { $0.append((descriptor, thread)) }
        }
    }

    func ask(
        from namespace: String, _ address: String, _ port: Int, isStream: Bool = true, sourcePort: Int = 0,
        milliseconds: Int = 2000
    ) -> Outcome {
        NamespaceThread.value(in: prefix + namespace) {
            PacketSocket.ask(
                SocketAddress(address, port), isStream: isStream, sourcePort: sourcePort, milliseconds: milliseconds)
        }
    }

    /// Who answers, asked so many times.
    func answering(from namespace: String, _ address: String, _ port: Int, times: Int = 24, isStream: Bool = true)
        -> Set<String>
    {
        var names: Set<String> = []
        for _ in 0..<times {
            switch ask(from: namespace, address, port, isStream: isStream) {
            case .answered(let name, _): names.insert(name)
            case let other: names.insert("\(other)")
            }
        }
        return names
    }

    /// Whether an SCTP packet for an address arrives at a pod, on port 8080.
    func sctpArrives(from namespace: String, _ address: String, _ port: UInt16, at pod: String) -> Bool {
        let raw: Int32 = Int32(SOCK_RAW.rawValue)
        let ear: Int32 = NamespaceThread.value(in: prefix + pod) { socket(AF_INET, raw, 132) }
        defer { close(ear) }
        PacketSocket.timeouts(ear, milliseconds: 1000)
        NamespaceThread.run(in: prefix + namespace) {
            let mouth: Int32 = socket(AF_INET, raw, 132)
            let target = SocketAddress(address, 0)
            let packet: [UInt8] = SCTPInit.packet(from: 4000, to: port)
            _ = target.with { sendto(mouth, packet, packet.count, 0, $0, target.length) }
            close(mouth)
        }
        var buffer = [UInt8](repeating: 0, count: 512)
        let count: Int = recv(ear, &buffer, buffer.count, 0)
        // An IPv4 header, then the destination port.
        return count > 24 && Int(buffer[22]) << 8 | Int(buffer[23]) == 8080
    }
}
