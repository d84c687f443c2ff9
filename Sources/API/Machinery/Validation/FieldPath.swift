/// Where in an object a value stands, such as `spec.containers[0].name` or `metadata.labels[app]`.
///
/// A path is a chain that shares its beginning with the paths it came from, so that walking an object makes no text.
package struct FieldPath: Sendable, CustomStringConvertible {
    private indirect enum Node: Sendable {
        case root
        case name(Node, String)
        case index(Node, Int)
        case key(Node, String)
    }

    private var node: Node

    private init(node: Node) {
        self.node = node
    }

    /// The path of a field of the object itself.
    package init(_ name: String) {
        node = .name(.root, name)
    }

    /// The object itself; written `<nil>`, as upstream writes it.
    package static let root = FieldPath(node: .root)

    package func child(_ name: String) -> FieldPath { FieldPath(node: .name(node, name)) }
    package func child(_ name: String, _ inner: String) -> FieldPath { child(name).child(inner) }

    /// An element of a list.
    package func index(_ index: Int) -> FieldPath { FieldPath(node: .index(node, index)) }

    /// A value of a map, or an element of a list by its key.
    package func key(_ key: String) -> FieldPath { FieldPath(node: .key(node, key)) }

    package var description: String {
        var parts: [String] = []
        var current: Node = node
        if case .root = current { return "<nil>" }
        walking: while true {
            switch current {
            case .root: break walking
            case .name(let outer, let name):
                parts.append(name)
                if case .root = outer {} else { parts.append(".") }
                current = outer
            case .index(let outer, let index):
                parts.append("[\(index)]")
                current = outer
            case .key(let outer, let key):
                parts.append("[\(key)]")
                current = outer
            }
        }
        return parts.reversed().joined()
    }
}
