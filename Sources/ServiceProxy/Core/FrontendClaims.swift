import Netfilter

/// Which service has a port of an address that is not handed out by the API server, and so may be named by several.
/// The first has it; when it lets go, the next one gets it.
struct FrontendClaims: Sendable {
    struct Place: Hashable, Sendable {
        var address: InternetAddress
        var transport: TransportProtocol
        var port: UInt16
    }

    private var owners: [Place: [ServiceName]] = [:]
    private var places: [ServiceName: Set<Place>] = [:]

    func owner(_ place: Place) -> ServiceName? { owners[place]?.first }

    /// Sets what a service wants now. Returns others that got something.
    mutating func set(_ wanted: Set<Place>, of name: ServiceName) -> Set<ServiceName> {
        let before: Set<Place> = places[name] ?? []
        if before == wanted { return [] }
        var heirs: Set<ServiceName> = []
        for place in before.subtracting(wanted) {
            let wasFirst: Bool = owners[place]?.first == name
            owners[place]?.removeAll { $0 == name }
            if owners[place]?.isEmpty == true { owners[place] = nil }
            if wasFirst, let heir = owners[place]?.first { heirs.insert(heir) }
        }
        for place in wanted.subtracting(before) { owners[place, default: []].append(name) }
        places[name] = wanted.isEmpty ? nil : wanted
        return heirs
    }
}
