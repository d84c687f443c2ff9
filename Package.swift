// swift-tools-version: 6.2
import PackageDescription

// Layers, from the bottom up; see docs/contracts.md and the design. Dependencies point downwards only.

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "NIOHPACK", package: "swift-nio-http2"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let certificates: [Target.Dependency] = [
    .product(name: "X509", package: "swift-certificates"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "Crypto", package: "swift-crypto"),
    .product(name: "CryptoExtras", package: "swift-crypto"),
]

let grpc: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2"),
    .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
]

/// API groups: the Swift target, its folder below `Sources/API`, and the groups whose types it uses.
let groups: [(name: String, folder: String, uses: [String])] = [
    ("APICore", "Core", []),
    ("APIApps", "Apps", ["APICore"]),
    ("APIBatch", "Batch", ["APICore"]),
    ("APIRBAC", "RBAC", []),
    ("APIAuthentication", "Authentication", []),
    ("APIAuthorization", "Authorization", []),
    ("APIAutoscaling", "Autoscaling", []),
    ("APIAutoscalingV2", "AutoscalingV2", []),
    ("APICoordination", "Coordination", []),
    ("APIDiscovery", "Discovery", ["APICore"]),
    ("APIEvents", "Events", ["APICore"]),
    ("APIPolicy", "Policy", []),
    ("APIStorage", "Storage", ["APICore"]),
    ("APINetworking", "Networking", ["APICore"]),
    ("APIScheduling", "Scheduling", []),
    ("APINode", "Node", ["APICore"]),
    ("APICertificates", "Certificates", []),
    ("APIFlowControl", "FlowControl", []),
    ("APIAdmissionRegistration", "AdmissionRegistration", []),
    ("APIExtensions", "Extensions", []),
    ("APIRegistration", "Registration", []),
    ("APIDynamicResources", "DynamicResources", ["APICore"]),
]

let api: [Target.Dependency] = ["API", "APIMachinery", "Codec"] + groups.map { .target(name: $0.name) }

var targets: [Target] = [
    .target(name: "Codec"),
    .target(name: "Flow", dependencies: ["Codec"]),
    .target(name: "APIMachinery", dependencies: ["Codec", "Flow"], path: "Sources/API/Machinery"),
]
for group in groups {
    let uses: [Target.Dependency] = group.uses.map { .target(name: $0) }
    targets.append(
        .target(name: group.name, dependencies: ["Codec", "APIMachinery"] + uses, path: "Sources/API/\(group.folder)"))
}
targets += [
    .target(
        name: "API", dependencies: ["Codec", "APIMachinery"] + groups.map { .target(name: $0.name) },
        path: "Sources/API/All"),
    .target(name: "APIRules", dependencies: api, path: "Sources/API/Rules"),
    .target(name: "APIApply", dependencies: ["Codec", "APIMachinery"], path: "Sources/API/Apply"),
    .target(name: "APIDefaults", dependencies: api, path: "Sources/API/Defaults"),
    .target(name: "APIValidation", dependencies: api, path: "Sources/API/Validation"),
    .executableTarget(name: "apigen", dependencies: ["Codec"]),

    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "Store", dependencies: ["Flow", "CSQLite", "Codec"]),
    .target(name: "StoreConformance", dependencies: ["Store"]),
    .executableTarget(name: "store-crash", dependencies: ["Store"]),

    .target(name: "PKI", dependencies: certificates),
    .target(name: "HTTPServer", dependencies: nio),
    .target(
        name: "APIServer",
        dependencies: api + ["APIApply", "APIDefaults", "APIRules", "APIValidation", "Flow", "Store"]),
    .target(
        name: "APIServerHTTP",
        dependencies: ["APIServer", "HTTPServer", "APIMachinery", "Codec", "Compression", "Flow", "PKI"]),

    .target(name: "APIServerAudit", dependencies: ["APIMachinery", "APIServer", "Store"]),
    .target(
        name: "APIServerEncryption",
        dependencies: ["APIMachinery", "APIServer", "Codec", "PKI"] + certificates),
    .target(
        name: "APIServerOIDC", dependencies: ["APIMachinery", "APIServer", "Client", "ClientHTTP", "Codec", "PKI"]),
    .target(name: "APIServerTokens", dependencies: ["APIServer", "APIValidation", "PKI"]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Compression", dependencies: ["CZlib"]),
    .target(name: "Streams", dependencies: ["CZlib"]),
    .target(name: "StreamConnections", dependencies: nio + ["Streams", "HTTPServer"]),
    .target(
        name: "APIServerStreams",
        dependencies: [
            "APICore", "APIMachinery", "APIServer", "APIServerHTTP", "Codec", "HTTPServer", "StreamConnections",
            "Streams",
        ]),
    .target(
        name: "KubeletServer",
        dependencies: [
            "APIAuthentication", "APIAuthorization", "APICore", "APIMachinery", "Codec", "CRI", "HTTPServer", "PKI",
            "StreamConnections", "Streams",
        ]),

    .target(name: "Client", dependencies: api + ["Flow"]),
    .target(name: "ClientHTTP", dependencies: api + nio + ["Flow", "Client"]),
    .target(name: "TransportConformance", dependencies: api + ["Client", "Flow"]),
    .target(name: "Controllers", dependencies: api + ["APIRules", "Flow", "Client"]),
    .target(name: "APIServerUpkeep", dependencies: api + ["APIServer", "Client"]),
    .target(name: "ClusterSigning", dependencies: ["APIMachinery", "Controllers", "PKI"]),
    .target(name: "Scheduler", dependencies: api + ["APIRules", "Flow", "Client"]),

    .target(name: "InternetAddresses"),
    .target(name: "ClusterDNS", dependencies: api + ["Flow", "Client", "InternetAddresses"]),
    .target(name: "CDNSSockets"),
    .executableTarget(name: "dns-bench", dependencies: ["ClusterDNS", "ClusterDNSServer"]),
    .target(name: "ClusterDNSServer", dependencies: ["CDNSSockets", "Client", "ClusterDNS", "NodeSetup"]),
    .target(name: "Netfilter", dependencies: ["InternetAddresses"]),
    .target(name: "NetfilterKernel", dependencies: ["Netfilter"]),
    .target(name: "ServiceProxy", dependencies: api + ["Flow", "Client", "Netfilter"]),
    .executableTarget(name: "proxy-bench", dependencies: ["Netfilter", "NetfilterKernel", "ServiceProxy"]),
    .target(name: "NetworkPolicies", dependencies: api + ["Flow", "Client", "Netfilter"]),

    .target(name: "CRI", dependencies: ["Codec"], exclude: ["Schema"]),
    .target(name: "CRIClient", dependencies: ["CRI", "Codec"] + grpc + nio),
    .target(name: "CNodeSetup"),
    .target(name: "NodeSetup", dependencies: ["CNodeSetup"]),
    .target(name: "Kubelet", dependencies: api + ["APIRules", "Flow", "Client", "CRI"]),
    .target(name: "KubeletNetwork", dependencies: ["Kubelet", "Codec"] + grpc + nio),

    .executableTarget(
        name: "swiftlet",
        dependencies: api + nio + [
            "APIDefaults", "APIRules", "APIServer", "APIServerAudit", "APIServerEncryption", "APIServerHTTP",
            "APIServerOIDC", "APIServerStreams", "APIServerTokens", "APIServerUpkeep", "APIValidation", "CRI",
            "CRIClient", "Client", "ClientHTTP", "ClusterDNS", "ClusterDNSServer", "ClusterSigning", "Controllers",
            "Flow", "HTTPServer", "Kubelet", "KubeletNetwork", "KubeletServer", "Netfilter", "NetfilterKernel",
            "NetworkPolicies", "NodeSetup", "PKI",
            "Scheduler", "ServiceProxy", "Store", "StreamConnections",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),

    .target(name: "CAllocationCount"),
    .executableTarget(
        name: "counts",
        dependencies: api + ["APIServer", "Store", "CAllocationCount"], path: "Benchmarks/Counts"),
    .target(
        name: "FuzzTargets",
        dependencies: api + ["APIServer", "APIServerHTTP", "APIValidation", "HTTPServer", "RandomObjects"],
        path: "Fuzzing/Targets"),
    .executableTarget(name: "fuzz", dependencies: ["FuzzTargets"], path: "Fuzzing/fuzz"),
    .target(name: "ChildProcesses", dependencies: ["CNodeSetup"], path: "Tests/ChildProcesses"),
    .testTarget(name: "FuzzTests", dependencies: api + ["FuzzTargets"]),

    .testTarget(name: "CodecTests", dependencies: ["Codec"]),
    .testTarget(name: "CompressionTests", dependencies: ["Compression", "CZlib"]),
    .testTarget(name: "FlowTests", dependencies: ["Flow", "Codec"]),
    .testTarget(name: "APIMachineryTests", dependencies: ["APIMachinery", "Codec"]),
    .target(name: "RandomObjects", dependencies: ["APIMachinery", "Codec"]),
    .executableTarget(name: "peer-samples", dependencies: api + ["RandomObjects"]),
    .testTarget(name: "APITests", dependencies: api + ["CRI", "RandomObjects"]),
    .testTarget(name: "RulesTests", dependencies: api + ["APIRules"]),
    .testTarget(name: "APIApplyTests", dependencies: api + ["APIApply"]),
    .testTarget(name: "StoreTests", dependencies: ["Store", "StoreConformance", "store-crash"]),
    .testTarget(name: "PKITests", dependencies: ["ChildProcesses", "PKI"] + certificates),
    .testTarget(name: "HTTPServerTests", dependencies: ["ChildProcesses", "HTTPServer", "PKI"] + nio),
    .testTarget(
        name: "APIServerTests",
        dependencies: api + [
            "APIServer", "APIServerHTTP", "ChildProcesses", "Compression", "HTTPServer", "Store", "Flow",
        ]),
    .testTarget(name: "KindsTests", dependencies: api + ["APIDefaults", "APIValidation", "APIServer"]),
    .testTarget(
        name: "ClientTests", dependencies: api + ["Client", "Flow"]),
    .testTarget(
        name: "ClientHTTPTests",
        dependencies: api + nio + certificates + ["Flow", "Client", "ClientHTTP", "HTTPServer", "PKI"]),
    .testTarget(name: "ClusterDNSTests", dependencies: api + ["Client", "ClusterDNS", "ClusterDNSServer"]),
    .testTarget(
        name: "TransportTests",
        dependencies: api + [
            "TransportConformance", "Client", "ClientHTTP", "APIServer", "APIServerHTTP", "APIServerTokens",
            "HTTPServer", "PKI", "Store",
        ]),
    .testTarget(
        name: "LifeTests",
        dependencies: api + [
            "APIServer", "APIServerHTTP", "Client", "ClientHTTP", "Flow", "HTTPServer", "PKI", "Store",
        ]),
    .testTarget(name: "ControllersTests", dependencies: api + ["Controllers", "Client"]),
    .testTarget(name: "SchedulerTests", dependencies: api + ["Scheduler"]),
    .testTarget(
        name: "CRITests",
        dependencies: [
            "CRI", "CRIClient", "NodeSetup", "Codec", .product(name: "NIOEmbedded", package: "swift-nio"),
        ] + grpc + nio),
    .testTarget(name: "NodeSetupTests", dependencies: ["NodeSetup"]),
    .testTarget(name: "KubeletVolumesTests", dependencies: api + ["Flow", "Client", "CRI", "Kubelet"]),
    .testTarget(
        name: "AuthTests",
        dependencies: api + certificates + [
            "APIServer", "APIServerAudit", "APIServerEncryption", "APIServerHTTP", "APIServerOIDC", "APIServerTokens",
            "APIServerUpkeep", "Client", "ClientHTTP", "ClusterSigning", "Controllers", "Flow", "HTTPServer", "PKI",
            "Store",
        ]),
    .testTarget(
        name: "OpenAPITests", dependencies: api + ["APIDefaults", "APIValidation", "APIServer", "Store", "Flow"]),
    .testTarget(
        name: "StreamsTests",
        dependencies: api + certificates + nio + [
            "APIServer", "APIServerHTTP", "APIServerStreams", "ChildProcesses", "CRI", "CRIClient", "CZlib", "Flow",
            "HTTPServer", "KubeletServer", "NodeSetup", "PKI", "Store", "StreamConnections", "Streams",
        ]),
    .testTarget(name: "AdmissionTests", dependencies: api + ["APIServer", "Store", "Flow", "Client"]),
    .testTarget(
        name: "ServiceProxyTests",
        dependencies: api + [
            "Client", "Controllers", "Flow", "Netfilter", "NetfilterKernel", "NetworkPolicies", "ServiceProxy",
        ]),
    .testTarget(name: "KubeletTests", dependencies: api + ["Flow", "Client", "CRI", "Kubelet"]),
]

let package = Package(
    name: "Swiftlet",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
    ],
    targets: targets
)

for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .swiftLanguageMode(.v6),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            .treatAllWarnings(as: .error),
        ]
}
