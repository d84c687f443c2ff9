/// The names of one service: what the Kubernetes DNS specification (1.1) wants of it, worked out anew as a whole.
///
///     web.default                  A, AAAA: cluster addresses, or the ready endpoints' of a headless one; or CNAME
///     _http._tcp.web.default       SRV: the port, at web.default or at each endpoint's name
///     web-0.web.default            A, AAAA of one endpoint: its hostname, else its address with dashes
///
/// Keys are the labels before `svc.<domain>`, in wire form without the closing zero.
struct ServiceNames {
    private(set) var names: [[UInt8]: NameRecords] = [:]
    private(set) var reverse: [InternetAddress: Set<DNSName>] = [:]
    private(set) var pods: Set<String> = []

    private let base: [UInt8]
    private let suffix: [UInt8]
    private let ttl: UInt32

    /// - Parameter suffix: `svc.<domain>` in wire form.
    init(_ service: ZoneService, slices: [ZoneSlice], suffix: [UInt8], ttl: UInt32) {
        base = Self.label(service.key.name) + Self.label(service.key.namespace)
        self.suffix = suffix
        self.ttl = ttl
        switch service.kind {
        case .alias(let target):
            names[base] = NameRecords(alias: target)
        case .clusterAddresses(let addresses):
            _ = addEndpoints(slices)
            reverse = reverse.filter { !addresses.contains($0.key) }
            addCluster(addresses, service.ports)
        case .headless:
            addHeadless(slices)
        }
    }

    static func label(_ text: String) -> [UInt8] {
        let bytes: [UInt8] = text.utf8.map(DNSName.lower).prefix(DNSName.maximumLabelBytes).map { $0 }
        return [UInt8(bytes.count)] + bytes
    }

    private func fullName(_ key: [UInt8]) -> DNSName? {
        key.count + suffix.count <= DNSName.maximumBytes ? DNSName(checked: key + suffix) : nil
    }

    private mutating func addCluster(_ addresses: [InternetAddress], _ ports: [ZonePort]) {
        var records = NameRecords()
        for address in addresses { records.add(address, ttl: ttl) }
        guard let target = fullName(base) else { return }
        records.setServices(ports.map { (target, $0.number) }, ttl: ttl)
        names[base] = records
        for port in ports where !port.name.isEmpty { add(port, [(target, port.number)]) }
        for address in addresses { reverse[address, default: []].insert(target) }
    }

    private mutating func addHeadless(_ slices: [ZoneSlice]) {
        let targets: [ZonePort: [(target: DNSName, port: UInt16)]] = addEndpoints(slices)
        var seen: Set<InternetAddress> = []
        var records = NameRecords()
        for slice in slices {
            for endpoint in slice.endpoints where endpoint.isReady {
                for address in endpoint.addresses where seen.insert(address).inserted { records.add(address, ttl: ttl) }
            }
        }
        // As in CoreDNS, a service without an endpoint has no name.
        guard !seen.isEmpty else { return }
        // Ports in a fixed order, so that equal states give equal records.
        let ports: [ZonePort] = targets.keys.sorted {
            ($0.name, $0.transport, $0.number) < ($1.name, $1.transport, $1.number)
        }
        records.setServices(ports.flatMap { targets[$0] ?? [] }, ttl: ttl)
        names[base] = records
        // The same port may have another number on another pod.
        let named: [String: [ZonePort]] = Dictionary(grouping: ports.filter { !$0.name.isEmpty }) {
            "\($0.name)/\($0.transport)"
        }
        for group in named.values { add(group[0], group.flatMap { targets[$0] ?? [] }) }
    }

    /// Adds the names of single endpoints; returns where each port is found.
    private mutating func addEndpoints(_ slices: [ZoneSlice]) -> [ZonePort: [(target: DNSName, port: UInt16)]] {
        var addresses: [[UInt8]: Set<InternetAddress>] = [:]
        var order: [[UInt8]] = []
        var targets: [ZonePort: [(target: DNSName, port: UInt16)]] = [:]
        var known: Set<ZonePortTarget> = []
        for slice in slices {
            for endpoint in slice.endpoints where endpoint.isReady {
                if let pod = endpoint.pod { pods.insert(pod) }
                for address in endpoint.addresses {
                    let key: [UInt8] = Self.label(endpoint.hostname ?? Self.dashed(address)) + base
                    guard let target = fullName(key) else { continue }
                    if addresses[key] == nil { order.append(key) }
                    addresses[key, default: []].insert(address)
                    reverse[address, default: []].insert(target)
                    for port in slice.ports where known.insert(ZonePortTarget(port: port, target: target)).inserted {
                        targets[port, default: []].append((target, port.number))
                    }
                }
            }
        }
        for key in order {
            var records = NameRecords()
            for address in (addresses[key] ?? []).sorted(by: { $0.description < $1.description }) {
                records.add(address, ttl: ttl)
            }
            names[key] = records
        }
        return targets
    }

    private struct ZonePortTarget: Hashable {
        var port: ZonePort
        var target: DNSName
    }

    private mutating func add(_ port: ZonePort, _ targets: [(target: DNSName, port: UInt16)]) {
        let transport: [UInt8] = Self.label("_" + port.transport) + base
        let key: [UInt8] = Self.label("_" + port.name) + transport
        guard fullName(key) != nil else { return }
        var records = NameRecords()
        records.setServices(targets, ttl: ttl)
        names[key] = records
        // The name above has no records of its own, but it is there (RFC 8020).
        if names[transport] == nil { names[transport] = NameRecords() }
    }

    private static func dashed(_ address: InternetAddress) -> String {
        String(address.description.map { $0 == "." || $0 == ":" ? "-" : $0 })
    }
}
