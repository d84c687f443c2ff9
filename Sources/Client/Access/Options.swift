package import APIMachinery

/// What a list or watch shall show.
package struct Selection: Sendable, Hashable {
    /// Empty: all namespaces.
    package var namespace: String
    package var labelSelector: String
    package var fieldSelector: String

    package init(namespace: String = "", labelSelector: String = "", fieldSelector: String = "") {
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
    }

    /// Whether it lets everything through.
    package var isEverything: Bool { namespace.isEmpty && labelSelector.isEmpty && fieldSelector.isEmpty }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if !labelSelector.isEmpty { query.append(("labelSelector", labelSelector)) }
        if !fieldSelector.isEmpty { query.append(("fieldSelector", fieldSelector)) }
        return query
    }
}

/// How a list is read.
package struct ReadOptions: Sendable, Hashable {
    /// Empty: the newest; "0": whatever the server has at hand; else not older than this.
    package var resourceVersion: String
    /// At most so many items; 0 is no limit.
    package var limit: Int
    /// Where the page before ended.
    package var continueToken: String

    package init(resourceVersion: String = "", limit: Int = 0, continueToken: String = "") {
        self.resourceVersion = resourceVersion
        self.limit = limit
        self.continueToken = continueToken
    }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if !resourceVersion.isEmpty { query.append(("resourceVersion", resourceVersion)) }
        if limit > 0 { query.append(("limit", String(limit))) }
        if !continueToken.isEmpty { query.append(("continue", continueToken)) }
        return query
    }
}

/// How a create, update or patch is done.
package struct WriteOptions: Sendable, Hashable {
    /// Who owns the fields; empty: the server takes the user agent.
    package var fieldManager: String
    package var dryRun: Bool
    /// Takes fields from other managers; for `PatchType.apply` only.
    package var force: Bool
    /// `Strict`, `Warn`, `Ignore`; empty: the server's default.
    package var fieldValidation: String

    package init(
        fieldManager: String = "", dryRun: Bool = false, force: Bool = false, fieldValidation: String = ""
    ) {
        self.fieldManager = fieldManager
        self.dryRun = dryRun
        self.force = force
        self.fieldValidation = fieldValidation
    }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if !fieldManager.isEmpty { query.append(("fieldManager", fieldManager)) }
        if dryRun { query.append(("dryRun", "All")) }
        if force { query.append(("force", "true")) }
        if !fieldValidation.isEmpty { query.append(("fieldValidation", fieldValidation)) }
        return query
    }
}

/// One page of a list.
package struct ObjectPage: Sendable {
    package var snapshots: [Snapshot]
    /// The revision that the list shows.
    package var revision: Int64
    /// Empty on the last page.
    package var continueToken: String
    /// How many items come after, if the server knows.
    package var remaining: Int?

    package init(snapshots: [Snapshot], revision: Int64, continueToken: String = "", remaining: Int? = nil) {
        self.snapshots = snapshots
        self.revision = revision
        self.continueToken = continueToken
        self.remaining = remaining
    }
}
