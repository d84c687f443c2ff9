package import Codec

/// What containerd and CRI-O tell in the `info` of a verbose answer: JSON under the key "info", outside of the
/// interface's promises. Everything is nil when it is not there.
package struct VerboseInfo: Sendable, Equatable {
    /// The first process, as the node sees it; nil before it starts and after it ended.
    package var processID: Int32?
    /// Where the sandbox's network namespace is mounted.
    package var networkNamespace: String?

    package init(_ info: StringMap<String>) {
        guard let text = info["info"],
            case .object(let object)? = try? JSONReader.decode(JSONValue.self, from: Array(text.utf8))
        else { return }
        if case .int(let number)? = object["pid"], number > 0 { processID = Int32(exactly: number) }
        guard case .object(let spec)? = object["runtimeSpec"], case .object(let linux)? = spec["linux"],
            case .array(let namespaces)? = linux["namespaces"]
        else { return }
        for case .object(let namespace) in namespaces where namespace["type"] == .string("network") {
            if case .string(let path)? = namespace["path"] { networkNamespace = path }
        }
    }
}
