import APIMachinery
import ArgumentParser
import Controllers

/// Which addresses there are, and how endpoints are kept; upstream's names.
struct NetworkOptions: ParsableArguments {
    @Option(
        name: .customLong("cluster-cidr"),
        help: ArgumentHelp(
            """
            The range of the pods' addresses, or one of each family with a comma between them: pods have an address of \
            each, the first is the preferred one.
            """, valueName: "ranges"))
    var pods: String = ClusterNetwork.usualPods

    @Option(
        name: .customLong("service-cidr"),
        help: ArgumentHelp(
            "The range of the services' addresses, or one of each family, as the pods'.", valueName: "ranges"))
    var services: String = ClusterNetwork.usualServices

    @Option(
        name: .customLong("endpoint-updates-batch-period"),
        help: ArgumentHelp(
            "How long changes of pods wait for others before Endpoints are written.", valueName: "seconds"))
    var endpointPeriod: Double = 0

    @Option(
        name: .customLong("endpointslice-updates-batch-period"),
        help: ArgumentHelp(
            "How long changes of pods wait for others before EndpointSlices are written.", valueName: "seconds"))
    var slicePeriod: Double = 0

    @Option(
        name: .customLong("mirroring-endpointslice-updates-batch-period"),
        help: ArgumentHelp(
            "How long changes of Endpoints wait for others before they are mirrored.", valueName: "seconds"))
    var mirroringPeriod: Double = 0

    func validate() throws {
        _ = try network()
        for period in [endpointPeriod, slicePeriod, mirroringPeriod] where !(period >= 0 && period <= 3600) {
            throw ValidationError("a batch period has 0 to 3600 seconds, not \(period)")
        }
    }

    func network() throws -> ClusterNetwork {
        do throws(ClusterNetwork.Problem) {
            return try ClusterNetwork(pods: pods, services: services)
        } catch {
            throw ValidationError(error.description)
        }
    }

    var batching: EndpointBatching {
        var batching = EndpointBatching()
        batching.endpoints = .seconds(endpointPeriod)
        batching.slices = .seconds(slicePeriod)
        batching.mirrored = .seconds(mirroringPeriod)
        return batching
    }

    /// The node's addresses, those of the preferred family first.
    static func addresses(_ given: String?, families: [IPAddress.Family]) throws -> [String] {
        let all: [String]
        if let given {
            all = given.split(separator: ",").map { String($0) }
            for text in all where IPAddress(text) == nil { throw ValidationError("--node-ip: \(text) is no address") }
        } else {
            all = families.flatMap { MachineNames.addresses($0) }
        }
        for family in families where !all.contains(where: { IPAddress($0)?.family == family }) {
            throw ValidationError(
                "this machine has no address of \(family == .v4 ? "IPv4" : "IPv6"), which the cluster's ranges want; "
                    + "name one with --node-ip")
        }
        return families.flatMap { family in all.filter { IPAddress($0)?.family == family } }
    }
}
