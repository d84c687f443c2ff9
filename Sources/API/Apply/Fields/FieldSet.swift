/// A set of fields of one object, as a tree.
///
///     {.spec.replicas, .spec.template, .spec.template.labels}
///
///     spec ─┬─ replicas •
///           └─ template • ── labels •          • is in the set
///
/// That a field is in the set says nothing of the fields below it. Entries are sorted, and none is without a member.
package struct FieldSet: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var element: PathElement
        /// Whether the field itself is in the set.
        var isMember: Bool
        /// What is in the set below it.
        var children: FieldSet
    }

    var entries: [Entry] = []

    package init() {}

    package init(_ paths: [[PathElement]]) {
        for path in paths { insert(path) }
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// How many fields are in the set.
    package var count: Int {
        entries.reduce(0) { $0 + ($1.isMember ? 1 : 0) + $1.children.count }
    }

    /// The place of the element, or where it belongs.
    func position(_ element: PathElement) -> (index: Int, isFound: Bool) {
        var low: Int = 0
        var high: Int = entries.count
        while low < high {
            let middle: Int = (low + high) / 2
            let order: Int = entries[middle].element.order(element)
            if order == 0 { return (middle, true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false)
    }

    /// Adds a field; those above it are not added. The empty path, the whole object, is never in a set.
    package mutating func insert(_ path: some Collection<PathElement>) {
        guard let first = path.first else { return }
        let rest = path.dropFirst()
        var (index, isFound) = position(first)
        if !isFound {
            entries.insert(Entry(element: first, isMember: false, children: FieldSet()), at: index)
            isFound = true
        }
        if rest.isEmpty { entries[index].isMember = true } else { entries[index].children.insert(rest) }
    }

    /// Adds what a walk found at and below one element. Elements mostly come in no order, and once.
    mutating func add(_ element: PathElement, isMember: Bool, children: FieldSet) {
        guard isMember || !children.isEmpty else { return }
        let (index, isFound) = position(element)
        if isFound {
            entries[index].isMember = entries[index].isMember || isMember
            entries[index].children.formUnion(children)
        } else {
            entries.insert(Entry(element: element, isMember: isMember, children: children), at: index)
        }
    }

    package func contains(_ path: some Collection<PathElement>) -> Bool {
        guard let first = path.first else { return false }
        let (index, isFound) = position(first)
        guard isFound else { return false }
        let rest = path.dropFirst()
        return rest.isEmpty ? entries[index].isMember : entries[index].children.contains(rest)
    }

    /// The members of a set at one level, and what is below.
    func entry(_ element: PathElement) -> Entry? {
        let (index, isFound) = position(element)
        return isFound ? entries[index] : nil
    }

    /// All paths, in upstream's order: at each level first its members, then what is below them.
    package var paths: [[PathElement]] {
        var paths: [[PathElement]] = []
        collect(below: [], into: &paths)
        return paths
    }

    private func collect(below path: [PathElement], into paths: inout [[PathElement]]) {
        for entry in entries where entry.isMember { paths.append(path + [entry.element]) }
        for entry in entries where !entry.children.isEmpty {
            entry.children.collect(below: path + [entry.element], into: &paths)
        }
    }
}

extension FieldSet {
    /// Members of the object's metadata that the server sets, and nobody owns.
    static let systemMetadata: Set<String> = [
        "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
        "resourceVersion",
    ]

    /// What is nobody's in any object.
    static let systemFields: FieldSet = {
        var set: FieldSet = [[.field("apiVersion")], [.field("kind")], [.field("metadata")]]
        for name in systemMetadata { set.insert([.field("metadata"), .field(name)]) }
        return set
    }()
}

extension FieldSet: ExpressibleByArrayLiteral {
    package init(arrayLiteral paths: [PathElement]...) {
        self.init(paths)
    }
}

extension FieldSet: CustomStringConvertible {
    /// One path per line.
    package var description: String { paths.map(\.pathText).joined(separator: "\n") }
}
