package import APIMachinery

/// Which objects of a resource a list or watch is about.
package struct ObjectFilter: Sendable {
    /// All keys of the resource, or of a namespace.
    package let keyPrefix: [UInt8]
    /// The one object, when `metadata.name` is demanded in a namespace.
    package let exactKey: [UInt8]?
    package let labels: LabelQuery
    package let fields: FieldQuery
    /// Names of the values in `Selection.fields`.
    private let fieldNames: [String]
    private let find: @Sendable (Snapshot) -> Selection

    package init(
        info: ResourceInfo, namespace: String, labels: LabelQuery, fields: FieldQuery, fieldNames: [String],
        find: @escaping @Sendable (Snapshot) -> Selection
    ) {
        self.keyPrefix = info.keyPrefix(namespace: namespace)
        self.labels = labels
        self.fields = fields
        self.fieldNames = fieldNames
        self.find = find
        if let name = fields.requiredValue(of: "metadata.name"), !info.namespaced || !namespace.isEmpty {
            self.exactKey = info.key(namespace: namespace, name: name)
        } else {
            self.exactKey = nil
        }
    }

    /// Whether every object below the prefix matches.
    package var isEverything: Bool { labels.isEverything && fields.isEverything }

    package func matchesKey(_ key: [UInt8]) -> Bool {
        if let exactKey { return key == exactKey }
        return key.starts(withBytes: keyPrefix)
    }

    /// Labels and fields only; the key has been looked at.
    package func matches(_ object: CachedObject) -> Bool {
        if isEverything { return true }
        let snapshot: Snapshot = object.snapshot
        let needsFields: Bool = fields.terms.contains { !Self.isMetadata($0.field) }
        let selection: Selection? =
            needsFields || !labels.isEverything ? object.selection(find) : nil
        if let selection, !labels.matches(selection.labels) { return false }
        if fields.isEverything { return true }
        return fields.matches { field in
            if field == "metadata.name" { return snapshot.name }
            if field == "metadata.namespace" { return snapshot.namespace }
            guard let selection, let index = fieldNames.firstIndex(of: field) else { return "" }
            return index < selection.fields.count ? selection.fields[index] : ""
        }
    }

    static func isMetadata(_ field: String) -> Bool {
        field == "metadata.name" || field == "metadata.namespace"
    }
}
