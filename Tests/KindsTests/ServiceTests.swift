import APICore
import APIMachinery
import APIServer
import APIValidation
import Codec
import Testing

struct ServiceTests {
    private let strategy = ServiceStrategy(allocator: NoServiceAllocator())

    private func service(_ spec: String) throws -> Service {
        strategy.created(try object(#"{"metadata":{"name":"web"},"spec":\#(spec)}"#))
    }

    @Test func `a service is filled in`() throws {
        let made: Service = try service(#"{"ports":[{"port":80}]}"#)
        #expect(made.spec.type == "ClusterIP" && made.spec.sessionAffinity == "None")
        #expect(made.spec.ports[0].targetPort == 80 && made.spec.ports[0].protocol == "TCP")
        #expect(made.spec.internalTrafficPolicy == "Cluster" && made.spec.externalTrafficPolicy.isEmpty)
        #expect(made.validate().isEmpty)
    }

    @Test(arguments: [
        (#"{}"#, "spec.ports: Required value"),
        (#"{"ports":[{"port":80},{"name":"b","port":81}]}"#, "spec.ports[0].name: Required value"),
        (#"{"type":"ExternalName"}"#, "spec.externalName: Required value"),
        (
            #"{"ports":[{"port":80,"nodePort":30000}]}"#,
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"
        ),
        (
            #"{"type":"Odd","ports":[{"port":80}],"internalTrafficPolicy":"Cluster"}"#,
            #"spec.type: Unsupported value: "Odd": "#
                + #"supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort""#
        ),
        (
            #"{"ports":[{"port":0}],"clusterIP":"None"}"#,
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"
        ),
    ])
    func `what is wrong with a service is said in upstream's words`(spec: String, text: String) throws {
        var made: Service = try service(spec)
        // A port of zero defaults its target to zero, too.
        if made.spec.ports.first?.targetPort == 0 { made.spec.ports[0].targetPort = 80 }
        #expect(made.validate().texts == [text])
    }

    @Test func `an update keeps what was allocated, another type drops it`() throws {
        var old: Service = try service(#"{"type":"NodePort","ports":[{"port":80}]}"#)
        old.spec.clusterIP = "10.96.0.10"
        old.spec.clusterIPs = ["10.96.0.10"]
        old.spec.ports[0].nodePort = 30_080
        let same: Service = strategy.updated(try service(#"{"type":"NodePort","ports":[{"port":80}]}"#), from: old)
        #expect(same.spec.clusterIPs == ["10.96.0.10"] && same.spec.clusterIP == "10.96.0.10")
        #expect(same.spec.ports[0].nodePort == 30_080)
        var external: Service = old
        external.spec.type = "ExternalName"
        external.spec.externalName = "example.com"
        external = strategy.updated(external, from: old)
        #expect(external.spec.clusterIPs.isEmpty && external.spec.ports[0].nodePort == 0)
        #expect(external.validateUpdate(of: old).isEmpty)
        var moved: Service = old
        moved.spec.clusterIP = "10.96.0.11"
        moved = strategy.updated(moved, from: old)
        #expect(
            moved.validateUpdate(of: old).texts
                == [#"spec.clusterIPs[0]: Invalid value: ["10.96.0.11"]: may not change once set"#])
    }

    @Test func `a service that is no load balancer any more loses its addresses`() throws {
        var old: Service = try service(#"{"type":"LoadBalancer","ports":[{"port":80}]}"#)
        old.status.loadBalancer.ingress = [LoadBalancerIngress.with { $0.ip = "203.0.113.1" }]
        var same: Service = old
        same.metadata.labels = ["a": "b"]
        #expect(strategy.updated(same, from: old).status.loadBalancer.ingress.map { $0.ip } == ["203.0.113.1"])
        var inner: Service = old
        inner.spec.type = "ClusterIP"
        #expect(strategy.updated(inner, from: old).status.loadBalancer.ingress.isEmpty)
    }

    @Test func `rows of services read as upstream's do`() throws {
        var made: Service = try service(
            #"{"type":"NodePort","selector":{"app":"web"},"ports":[{"port":80,"nodePort":30080}]}"#)
        made.spec.clusterIPs = ["10.96.0.10"]
        #expect(
            strategy.row(made)
                == ["web", "NodePort", "10.96.0.10", "<none>", "80:30080/TCP", "<unknown>", "app=web"])
        let balanced: Service = try service(
            #"{"type":"LoadBalancer","clusterIP":"None","ports":[{"port":53,"protocol":"UDP"}]}"#)
        #expect(Array(strategy.row(balanced)[2...4]) == ["None", "<pending>", "53/UDP"])
    }

    /// Upstream checks the addresses of a load balancer and leaves conditions to whoever writes them.
    @Test func `a status has addresses only with a load balancer`() throws {
        var made: Service = try service(#"{"type":"LoadBalancer","ports":[{"port":80}]}"#)
        made.status.conditions = [Condition.with { $0.type = "StatusUpdate" }]
        made.status.loadBalancer.ingress = [LoadBalancerIngress.with { $0.ip = "203.0.113.1" }]
        #expect(strategy.validateStatusUpdate(made, old: made, context: .test(subresource: "status")).isEmpty)
        made.spec.type = "ClusterIP"
        #expect(
            made.validateStatus().texts == [
                #"status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is "LoadBalancer""#
            ])
    }
}
