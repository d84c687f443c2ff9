/// Every reader of bytes from outside that is fuzzed.
package enum FuzzTargets {
    package static let all: [FuzzTarget] = [
        .json, .objects, .yaml, .protobuf, .jsonPatch, .mergePatch, .strategicPatch, .labels, .fields, .tokens,
        .quantities, .cron, .names, .paths, .http1,
    ]

    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}
