import API
import APICore
import APIMachinery
import Codec

/// Shares a service's endpoints out among zones by the processors that these have: topology aware routing (KEP-2433), which
/// the annotation `service.kubernetes.io/topology-mode: Auto` asks for.
struct ZoneShares: Equatable {
    /// Why there are no hints; upstream's words.
    enum Refusal: Error, Equatable {
        case nodesUnknown
        case oneZone
        case fewEndpoints(endpoints: Int, zones: Int)
        case overloaded
        case endpointWithoutZone

        var message: String {
            switch self {
            case .nodesUnknown:
                "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
            case .oneZone: "Nodes only ready in one zone"
            case .fewEndpoints(let endpoints, let zones):
                "Insufficient number of endpoints (\(endpoints) endpoints, \(zones) zones)"
            case .overloaded:
                "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold"
            case .endpointWithoutZone: "One or more endpoints do not have a zone specified"
            }
        }
    }

    static let annotations: [String] = [
        "service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints",
    ]
    /// How much more than its share an endpoint may get.
    private static let overload: Double = 0.2
    private static let excludingLabels: [String] = [
        "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master",
    ]

    /// Thousandths of processors per zone; nil: a node does not say.
    private let processors: [String: Int]?

    static func areWanted(_ service: Service) -> Bool {
        annotations.contains { ["Auto", "auto"].contains(service.metadata.annotations[$0] ?? "") }
    }

    init(_ nodes: [Node]) {
        var processors: [String: Int] = [:]
        for node in nodes where Self.counts(node) {
            let place: Place = Place(node)
            guard !place.zone.isEmpty, place.processors > 0 else {
                self.processors = nil
                return
            }
            processors[place.zone, default: 0] += place.processors
        }
        self.processors = processors
    }

    /// What a node adds to a zone.
    private struct Place: Equatable {
        var zone: String
        var processors: Int

        init(_ node: Node) {
            zone = node.metadata.labels["topology.kubernetes.io/zone"] ?? ""
            processors = node.status.allocatable["cpu"]?.milliValue ?? 0
        }
    }

    private static func counts(_ node: Node) -> Bool {
        !excludingLabels.contains { node.metadata.labels[$0] != nil }
            && node.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
    }

    /// Whether shares may be others after a change of a node.
    static func differ(_ old: Node?, _ new: Node?) -> Bool {
        let places: [Place?] = [old, new].map { node in node.flatMap { counts($0) ? Place($0) : nil } }
        return places[0] != places[1]
    }

    /// For which zone each endpoint is to be.
    ///
    /// - Parameter zones: where each ready endpoint is.
    func hints(_ zones: [String?]) -> Result<[String], Refusal> {
        guard let processors else { return .failure(.nodesUnknown) }
        guard processors.count > 1 else { return .failure(.oneZone) }
        guard zones.count >= processors.count else {
            return .failure(.fewEndpoints(endpoints: zones.count, zones: processors.count))
        }
        let all: Double = Double(processors.values.reduce(0, +))
        let shares: [String: Double] = processors.mapValues { Double($0) / all * Double(zones.count) }
        let least: Int = shares.values.reduce(0) { $0 + Int(($1 / (1 + Self.overload)).rounded(.up)) }
        guard least <= zones.count else { return .failure(.overloaded) }
        var hints: [String] = []
        for zone in zones {
            guard let zone, !zone.isEmpty else { return .failure(.endpointWithoutZone) }
            hints.append(zone)
        }
        move(&hints, towards: shares.mapValues { max($0, 1) })
        return .success(hints)
    }

    /// Gives endpoints of zones that have more than their share to those that have less.
    private func move(_ hints: inout [String], towards shares: [String: Double]) {
        var surplus: [String: Double] = [:]
        var lack: [String: Double] = [:]
        for (zone, share) in shares {
            let difference: Double = Double(hints.count { $0 == zone }) - share
            if difference > 0 { surplus[zone] = difference }
            if difference < 0 { lack[zone] = -difference }
        }
        // Whole endpoints only: a half at least on both sides, and one on either.
        while let giver = Self.most(surplus), let taker = Self.most(lack), giver.1 >= 0.5, taker.1 >= 0.5,
            giver.1 >= 1 || taker.1 >= 1
        {
            guard let index = hints.firstIndex(of: giver.0) else { return }
            hints[index] = taker.0
            surplus[giver.0] = giver.1 - 1
            lack[taker.0] = taker.1 - 1
        }
    }

    /// Of equals the first by name, so that the same endpoints get the same hints.
    private static func most(_ amounts: [String: Double]) -> (String, Double)? {
        amounts.max { one, other in one.value == other.value ? one.key > other.key : one.value < other.value }
            .map { ($0.key, $0.value) }
    }
}
