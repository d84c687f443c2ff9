/// The options of creates, updates and patches.
package struct WriteOptions: Sendable, Equatable {
    package enum Action: Sendable {
        case create, update, patch
        /// Server-side apply.
        case apply

        fileprivate var kind: String {
            switch self {
            case .create: return "CreateOptions"
            case .update: return "UpdateOptions"
            case .patch, .apply: return "PatchOptions"
            }
        }
    }

    /// What happens about unknown and duplicate fields.
    package enum FieldValidation: String, Sendable, CaseIterable {
        case ignore = "Ignore"
        case warn = "Warn"
        case strict = "Strict"
    }

    package var isDryRun: Bool = false
    /// Empty: derived from the user agent.
    package var fieldManager: String = ""
    package var fieldValidation: FieldValidation = .warn
    /// Whether an apply takes fields of other managers.
    package var force: Bool = false

    package init() {}

    /// Reads and validates.
    package init(query: [(name: String, value: String)], for action: Action) throws(StatusError) {
        let values = QueryValues(query)
        var errors = FieldErrors()
        fieldManager = values.string("fieldManager") ?? ""
        let forced: Bool? = values.bool("force")
        if action == .apply {
            if fieldManager.isEmpty {
                errors.append(.required(FieldPath("fieldManager"), "is required for apply patch"))
            }
        } else if action == .patch, forced != nil {
            errors.append(.forbidden(FieldPath("force"), "may not be specified for non-apply patch"))
        }
        force = forced ?? false
        errors += Validation.fieldManager(fieldManager, at: FieldPath("fieldManager"))
        let dryRun: [String] = values.strings("dryRun")
        errors += Validation.dryRun(dryRun, at: FieldPath("dryRun"))
        isDryRun = !dryRun.isEmpty
        let text: String = values.string("fieldValidation") ?? ""
        if let known = FieldValidation(rawValue: text) {
            fieldValidation = known
        } else if !text.isEmpty {
            let supported: [String] = ["", "Ignore", "Strict", "Warn"]
            errors.append(.notSupported(FieldPath("fieldValidation"), text, supported))
        }
        guard errors.isEmpty else {
            throw .invalid(GroupVersionKind(group: "meta.k8s.io", version: "v1", kind: action.kind), "", errors)
        }
    }

    /// The query that reads as these options.
    package var query: [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        if isDryRun { pairs.append(("dryRun", "All")) }
        if !fieldManager.isEmpty { pairs.append(("fieldManager", fieldManager)) }
        if fieldValidation != .warn { pairs.append(("fieldValidation", fieldValidation.rawValue)) }
        if force { pairs.append(("force", "true")) }
        return pairs
    }
}

extension Validation {
    package static func dryRun(_ values: [String], at path: FieldPath) -> FieldErrors {
        values.allSatisfy { $0 == "All" } ? [] : [.notSupported(path, values, ["All"])]
    }
}
