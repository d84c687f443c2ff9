/// The cluster's own names, kept up to date change by change. Changes are noted at once and worked in by `settle`, so that
/// many changes of one service cost one.
package struct ClusterZone: Sendable {
    package struct Configuration: Sendable {
        package var domain: DNSName
        package var ttl: UInt32 = 30
        /// Where this server is asked: `ns.dns.<domain>`.
        package var serverAddresses: [InternetAddress] = []
        /// Addresses that only the cluster hands out: who has none of our names has none at all, nobody else is asked.
        package var ownRanges: [IPPrefix] = []

        package init(domain: DNSName) {
            self.domain = domain.lowercased
        }

        var serverName: [UInt8] { ServiceNames.label("ns") + ServiceNames.label("dns") + domain.wire }

        /// The data of the zone's SOA record.
        func startOfAuthority(serial: UInt32) -> [UInt8] {
            var data: [UInt8] = serverName + ServiceNames.label("hostmaster") + domain.wire
            for number in [serial, 7200, 1800, 86400, ttl] {
                data += [
                    UInt8(truncatingIfNeeded: number >> 24), UInt8(truncatingIfNeeded: number >> 16),
                    UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number),
                ]
            }
            return data
        }
    }

    private struct ServiceState: Sendable {
        var service: ZoneService?
        var slices: [String: ZoneSlice] = [:]
        var names: [[UInt8]] = []
        var reverse: [InternetAddress: Set<DNSName>] = [:]
        var pods: Set<String> = []
        var revisions: [Int64] = []
    }

    package let configuration: Configuration
    /// Whether everything that there was in the beginning is in; before, absence means nothing.
    package private(set) var isComplete: Bool = false
    /// Counts changes; the serial number of the zone.
    package private(set) var serial: UInt32
    /// The data of the SOA record with that serial.
    private(set) var authority: [UInt8]
    private(set) var names = NameTable<NameRecords>()
    private(set) var reverse: [InternetAddress: [DNSName]] = [:]
    private(set) var namespaces = NameTable<Bool>()
    private var services: [ServiceKey: ServiceState] = [:]
    private var dirty: Set<ServiceKey> = []
    private let suffix: [UInt8]

    /// - Parameter serial: higher than of any earlier run, such as the time in seconds.
    package init(_ configuration: Configuration, serial: UInt32 = 1) {
        self.configuration = configuration
        self.serial = serial
        authority = configuration.startOfAuthority(serial: serial)
        suffix = ServiceNames.label("svc") + configuration.domain.wire
    }

    package var serviceCount: Int { services.count }
    package var nameCount: Int { names.count }
    package var hasUnsettledChanges: Bool { !dirty.isEmpty }

    package mutating func apply(_ change: ZoneChange) {
        switch change {
        case .namespace(let name): namespaces.set(ServiceNames.label(name), true)
        case .namespaceGone(let name): namespaces.remove(ServiceNames.label(name))
        case .complete: isComplete = true
        case .service(let service, let revision): note(service.key, revision) { $0.service = service }
        case .serviceGone(let key, let revision): note(key, revision) { $0.service = nil }
        case .slice(let slice, let revision): note(slice.service, revision) { $0.slices[slice.name] = slice }
        case .sliceGone(let name, let key, let revision): note(key, revision) { $0.slices[name] = nil }
        }
    }

    private mutating func note(_ key: ServiceKey, _ revision: Int64, _ change: (inout ServiceState) -> Void) {
        dirty.insert(key)
        change(&services[key, default: ServiceState()])
        // What was there in the beginning is no news. Causes are few: more than Flow would show is not kept.
        guard isComplete, services[key]?.revisions.count ?? 0 < 16 else { return }
        services[key]?.revisions.append(revision)
    }

    /// Works in what was noted, for at most so many services; tells what came of it that is news.
    package mutating func settle(limit: Int = .max) -> [ZoneUpdate] {
        guard !dirty.isEmpty else { return [] }
        var updates: [ZoneUpdate] = []
        for key in Array(dirty.prefix(limit)) {
            dirty.remove(key)
            if let update = rebuild(key) { updates.append(update) }
        }
        serial &+= 1
        authority = configuration.startOfAuthority(serial: serial)
        return updates
    }

    private mutating func rebuild(_ key: ServiceKey) -> ZoneUpdate? {
        guard var state = services.removeValue(forKey: key) else { return nil }
        let had: Bool = !state.names.isEmpty
        var made: ServiceNames?
        if let service = state.service {
            let slices: [ZoneSlice] = state.slices.values.sorted { $0.name < $1.name }
            made = ServiceNames(service, slices: slices, suffix: suffix, ttl: configuration.ttl)
        }
        for name in state.names where made?.names[name] == nil { names.remove(name) }
        for (name, records) in made?.names ?? [:] { names.set(name, records) }
        exchangeReverse(old: state.reverse, new: made?.reverse ?? [:])
        let pods: Set<String> = made?.pods ?? []
        let update = ZoneUpdate(
            service: key, isNew: !had && !(made?.names.isEmpty ?? true), pods: pods.subtracting(state.pods).sorted(),
            revisions: state.revisions)
        state.names = made.map { Array($0.names.keys) } ?? []
        state.reverse = made?.reverse ?? [:]
        state.pods = pods
        state.revisions = []
        if state.service != nil || !state.slices.isEmpty { services[key] = state }
        return !update.revisions.isEmpty && (update.isNew || !update.pods.isEmpty) ? update : nil
    }

    /// An address may belong to several services' names.
    private mutating func exchangeReverse(old: [InternetAddress: Set<DNSName>], new: [InternetAddress: Set<DNSName>]) {
        for (address, gone) in old {
            guard new[address] != gone else { continue }
            reverse[address]?.removeAll { gone.contains($0) }
            if reverse[address]?.isEmpty == true { reverse[address] = nil }
        }
        for (address, added) in new where old[address] != added {
            reverse[address, default: []] += added.sorted { $0.description < $1.description }
        }
    }
}
