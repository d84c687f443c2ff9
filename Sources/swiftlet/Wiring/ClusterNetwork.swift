import APIMachinery
import NodeSetup

/// The addresses of pods and services: a range of each address family that the cluster has, the preferred family first.
struct ClusterNetwork: Sendable, Equatable {
    private(set) var pods: [CIDR]
    private(set) var services: [CIDR]

    static let usualPods: String = "10.244.0.0/16"
    static let usualServices: String = "10.96.0.0/16"

    /// A range, or one of each family with a comma between them, as upstream's options have it.
    init(pods: String, services: String) throws(Problem) {
        self.pods = try Self.ranges("--cluster-cidr", pods, smallest: 24)
        self.services = try Self.ranges("--service-cidr", services, smallest: 28)
        guard self.pods.map(\.address.family) == self.services.map(\.address.family) else {
            throw Problem(
                "--cluster-cidr and --service-cidr want ranges of the same address families in the same order")
        }
        for (one, other) in zip(self.pods, self.services) where one.overlaps(other) {
            throw Problem("--cluster-cidr \(one) and --service-cidr \(other) overlap")
        }
    }

    struct Problem: Error, CustomStringConvertible {
        var description: String

        init(_ description: String) { self.description = description }
    }

    /// - Parameter smallest: the longest prefix of an IPv4 range that has enough addresses; of IPv6 as many bits less are
    ///   left.
    private static func ranges(_ option: String, _ text: String, smallest: Int) throws(Problem) -> [CIDR] {
        var ranges: [CIDR] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let range = CIDR(word) else { throw Problem("\(option): \(word) is no range of addresses") }
            guard range.isCanonical else { throw Problem("\(option): \(word) has host bits; say \(range)") }
            let longest: Int = range.address.family.bitCount - (32 - smallest)
            guard range.prefixLength <= longest else {
                throw Problem("\(option): \(word) is too small; its prefix may have \(longest) bits at most")
            }
            ranges.append(range)
        }
        guard ranges.count == 1 || ranges.count == 2 && ranges[0].address.family != ranges[1].address.family else {
            throw Problem("\(option) wants a range, or one of each address family")
        }
        return ranges
    }

    /// Services, pods and the cluster's DNS know the addresses that the cluster began with. Only a second family may come
    /// later.
    func checkServices(against known: [String]) throws(Problem) {
        guard known != serviceRanges, known != Array(serviceRanges.prefix(1)) else { return }
        throw Problem(
            "--service-cidr \(serviceRanges.joined(separator: ",")): this cluster has services of "
                + "\(known.joined(separator: ",")); say that, or take another --data-dir")
    }

    var podRanges: [String] { pods.map(\.description) }
    var serviceRanges: [String] { services.map(\.description) }

    /// The preferred family first.
    var families: [IPAddress.Family] { services.map(\.address.family) }
    var hasIPv6: Bool { families.contains(.v6) }
    /// As Services name it.
    var preferredFamily: String { families.first == .v6 ? "IPv6" : "IPv4" }

    /// The first address for services: that of `kubernetes`.
    var serviceAddress: String { address(1) }
    /// The tenth, as kubeadm has it.
    var dnsAddress: String { address(10) }

    private func address(_ number: Int) -> String {
        guard let first = services.first, let address = first.network.advanced(by: number) else {
            preconditionFailure("a range for services has sixteen addresses")
        }
        return address.description
    }

    /// This node's part of the pods' ranges, of upstream's size: the first 256 addresses, and the first /64.
    var podNetwork: PodNetworkConfiguration {
        var network = PodNetworkConfiguration()
        network.ranges = pods.map { range in
            let length: Int = max(range.prefixLength, range.address.family == .v4 ? 24 : 64)
            let own: CIDR = CIDR(range.network, prefixLength: length) ?? range
            return PodNetworkConfiguration.Range(node: own.description, cluster: range.description)
        }
        return network
    }

    /// Where a server listens that is to be reached at all addresses of the node.
    var everyAddress: String { hasIPv6 ? "::" : "0.0.0.0" }
}
