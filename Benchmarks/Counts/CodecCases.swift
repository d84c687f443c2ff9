import APIApps
import APICore
import APIMachinery
import Codec

/// Codec, patches and selectors: pure functions on bytes.
enum CodecCases {
    static func all() throws -> [Case] {
        try coding() + patching()
    }

    private static func coding() throws -> [Case] {
        let json: [UInt8] = Documents.pod
        let pod: Pod = try JSONReader.decode(Pod.self, from: json)
        let protobuf: [UInt8] = ProtobufWriter.encode(pod)
        return [
            Case("json decode pod", iterations: 300) { _, iterations in
                for _ in 0..<iterations { blackHole(try JSONReader.decode(Pod.self, from: json)) }
            },
            Case("json encode pod", iterations: 300) { _, iterations in
                for _ in 0..<iterations { blackHole(pod.jsonBytes) }
            },
            Case("json parse tree", iterations: 300) { _, iterations in
                for _ in 0..<iterations { blackHole(try JSONValue(parsing: json)) }
            },
            Case("protobuf decode pod", iterations: 300) { _, iterations in
                for _ in 0..<iterations { blackHole(try ProtobufReader.decode(Pod.self, from: protobuf)) }
            },
            Case("protobuf encode pod", iterations: 300) { _, iterations in
                for _ in 0..<iterations { blackHole(ProtobufWriter.encode(pod)) }
            },
        ]
    }

    private static func patching() throws -> [Case] {
        let deployment: JSONValue = try deployment()
        let patch: [UInt8] = Documents.deploymentPatch
        let query = try LabelQuery(parsing: "app=web,tier in (front,back),!canary")
        let labels: StringMap<String> = ["app": "web", "tier": "front", "pod-template-hash": "769b48d778"]
        return [
            Case("strategic merge deployment", iterations: 300) { _, iterations in
                for _ in 0..<iterations {
                    blackHole(try StrategicMergePatch.apply(patch, to: deployment, schema: Deployment.schema))
                }
            },
            Case("match label selector", iterations: 1_000) { _, iterations in
                for _ in 0..<iterations { blackHole(query.matches(labels)) }
            },
        ]
    }

    private static func deployment() throws -> JSONValue {
        let pod: Pod = try JSONReader.decode(Pod.self, from: Documents.pod)
        let deployment = Deployment.with {
            $0.metadata.name = "web"
            $0.spec.replicas = 3
            $0.spec.template.metadata.labels = ["app": "web"]
            $0.spec.template.spec = pod.spec
        }
        return try JSONValue(parsing: deployment.jsonBytes)
    }
}

/// Keeps the optimizer from leaving out what nobody looks at.
@inline(never)
func blackHole<T>(_ value: T) {
    withExtendedLifetime(value) {}
}
