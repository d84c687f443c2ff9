extension DeleteOptions {
    /// What becomes of the objects that the deleted one owns.
    package enum Propagation: String, Sendable {
        case orphan = "Orphan"
        case background = "Background"
        case foreground = "Foreground"
    }

    /// Reads the options from the query, which counts where the request has no body.
    package init(query: [(name: String, value: String)]) throws(StatusError) {
        self.init()
        let values = QueryValues(query)
        gracePeriodSeconds = try values.int("gracePeriodSeconds")
        orphanDependents = values.bool("orphanDependents")
        propagationPolicy = values.string("propagationPolicy")
        dryRun = values.strings("dryRun")
        ignoreStoreReadErrorWithClusterBreakingPotential = values.bool(
            "ignoreStoreReadErrorWithClusterBreakingPotential")
        let uid: String? = values.string("preconditions.uid") ?? values.string("uid")
        let version: String? = values.string("preconditions.resourceVersion")
        if uid != nil || version != nil {
            preconditions = Preconditions.with { wanted in
                wanted.uid = uid
                wanted.resourceVersion = version
            }
        }
    }

    package var isDryRun: Bool { !dryRun.isEmpty }
    /// Nil: the kind's default.
    package var propagation: Propagation? { propagationPolicy.flatMap { Propagation(rawValue: $0) } }

    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        let path = FieldPath("propagationPolicy")
        if orphanDependents != nil, propagationPolicy != nil {
            let text: String = "orphanDependents and deletionPropagation cannot be both set"
            errors.append(.invalid(path, propagationPolicy, text))
        }
        if let policy = propagationPolicy, Propagation(rawValue: policy) == nil {
            errors.append(.notSupported(path, policy, ["Foreground", "Background", "Orphan", "nil"]))
        }
        errors += Validation.dryRun(dryRun, at: FieldPath("dryRun"))
        return errors
    }

    /// Throws upstream's error for options that do not validate.
    package func check() throws(StatusError) {
        let errors: FieldErrors = validate()
        guard errors.isEmpty else {
            throw .invalid(GroupVersionKind(group: "meta.k8s.io", version: "v1", kind: "DeleteOptions"), "", errors)
        }
    }
}

extension Preconditions {
    /// What an object does not fulfil, in upstream's words; nil if it fulfils all.
    package func violation(by meta: ObjectMeta) -> String? {
        if let uid, uid != meta.uid {
            return "Precondition failed: UID in precondition: \(uid), UID in object meta: \(meta.uid)"
        }
        if let resourceVersion, resourceVersion != meta.resourceVersion {
            return "Precondition failed: ResourceVersion in precondition: \(resourceVersion), "
                + "ResourceVersion in object meta: \(meta.resourceVersion)"
        }
        return nil
    }
}

/// Whether an answer is indented for people: `pretty` in the query, else by the client (browsers, curl, wget).
package enum PrettyPrinting {
    package static func isWanted(query: [(name: String, value: String)], userAgent: String) -> Bool {
        if let text = QueryValues(query).string("pretty"), !text.isEmpty {
            return ["1", "t", "T", "TRUE", "true", "True"].contains(text)
        }
        return ["curl", "Wget", "Mozilla/"].contains { userAgent.hasPrefix($0) }
    }
}
