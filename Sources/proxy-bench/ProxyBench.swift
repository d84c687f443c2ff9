import Netfilter
import NetfilterKernel
import ServiceProxy

/// Measures the service proxy against the kernel: how long a restart takes with many services, and how long a change.
/// Run it in a network namespace of its own: `dev/bench-proxy`.
@main
struct ProxyBench {
    private static let endpointsPerService: Int = 5

    private let kernel: KernelNetfilter
    private let services: Int
    private var core: ProxyCore
    private let clock = ContinuousClock()

    static func main() throws {
        let count: Int = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 10_000
        var bench = try ProxyBench(services: count)
        try bench.run()
    }

    private init(services: Int) throws {
        kernel = try KernelNetfilter()
        self.services = services
        core = ProxyCore(NodeFacts(name: "node"))
    }

    private mutating func run() throws {
        say("services \(services), endpoints of each \(Self.endpointsPerService)")
        try restart("first start")
        try restart("restart over the old rules")
        try measure("an endpoint comes or goes") { bench, number in
            bench.setSlice(number, endpoints: Self.endpointsPerService + 1 - number % 2 * 2)
        }
        try measure("an endpoint is replaced") { bench, number in bench.setSlice(number, first: 7) }
        try measure("all endpoints go") { bench, number in bench.setSlice(number, endpoints: 0) }
        try measure("a service comes") { bench, number in bench.add(bench.services + number) }
        try measure("a service goes") { bench, number in
            bench.core.set(nil as ServiceFacts?, Self.name(bench.services + number))
        }
    }

    private mutating func restart(_ what: String) throws {
        core = ProxyCore(NodeFacts(name: "node"))
        let began: ContinuousClock.Instant = clock.now
        for number in 0..<services { add(number) }
        guard let plan = core.plan() else { return }
        let planned: ContinuousClock.Instant = clock.now
        try kernel.apply(plan.transaction)
        let ended: ContinuousClock.Instant = clock.now
        let elements: Int = plan.transaction.elementCount
        say(
            "\(what): \(Self.milliseconds(ended - began)) ms for \(elements) elements, "
                + "\(Self.milliseconds(planned - began)) of it rules, \(Self.milliseconds(ended - planned)) kernel")
    }

    /// Changes one service after the other, and tells the times from the change to rules in force.
    private mutating func measure(_ what: String, _ change: (inout ProxyBench, Int) -> Void) throws {
        var times: [Duration] = []
        for number in 0..<100 {
            let began: ContinuousClock.Instant = clock.now
            change(&self, number)
            if let plan = core.plan() { try kernel.apply(plan.transaction) }
            times.append(clock.now - began)
        }
        times.sort()
        say(
            "\(what): \(Self.milliseconds(times[50])) ms median, \(Self.milliseconds(times[95])) p95, "
                + "\(Self.milliseconds(times[99])) longest of 100")
    }

    private func say(_ line: String) {
        print(line)  // tidy:allow print: what a benchmark says is its purpose
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let tenths: Int64 =
            duration.components.seconds * 10_000 + duration.components.attoseconds / 100_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func name(_ number: Int) -> ServiceName { ServiceName("bench", "service-\(number)") }

    private mutating func add(_ number: Int) {
        var facts = ServiceFacts(Self.name(number))
        facts.ports = [.init(name: "http", number: 80)]
        facts.clusterAddresses = [address("10.\(96 + number / 65_025).\(number / 255 % 255).\(number % 255 + 1)")]
        core.set(facts, facts.name)
        setSlice(number, endpoints: Self.endpointsPerService)
    }

    private mutating func setSlice(_ number: Int, endpoints: Int = endpointsPerService, first: Int = 0) {
        let facts: [EndpointFacts] = (first..<first + endpoints).map { index in
            let host: Int = number * 16 + index
            return EndpointFacts(
                address("10.\(128 + host / 65_025).\(host / 255 % 255).\(host % 255 + 1)"), isLocal: index == first)
        }
        let slice = SliceFacts(ports: [.init(name: "http", number: 8080)], endpoints: facts)
        core.set(slice, "slice", of: Self.name(number))
    }

    private func address(_ text: String) -> InternetAddress {
        guard let address = InternetAddress(text) else { preconditionFailure("\(text) is an address") }
        return address
    }
}
