package import APICore

/// What the kubelet knows of the pods of its node.
package protocol PodDirectory: Sendable {
    /// All pods of the node, each with its status as the kubelet sees it now.
    func pods() -> [Pod]
    /// One of them; nil if there is none.
    func pod(namespace: String, name: String) -> Pod?
}
