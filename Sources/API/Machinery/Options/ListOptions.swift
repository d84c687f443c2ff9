/// What a list, a watch or a collection delete is asked for.
package struct ListOptions: Sendable, Equatable {
    package enum VersionMatch: String, Sendable {
        case exact = "Exact"
        case notOlderThan = "NotOlderThan"
    }

    package var labels: LabelQuery = .everything
    package var fields: FieldQuery = .everything
    package var isWatch: Bool = false
    package var allowWatchBookmarks: Bool = false
    /// Empty: the newest. `0`: any.
    package var resourceVersion: String = ""
    /// As given; `versionMatch` once it has been validated.
    package var resourceVersionMatch: String = ""
    /// How long the answer may take, or the watch may last.
    package var timeoutSeconds: Int?
    /// The size of a page; 0 or less for all.
    package var limit: Int = 0
    package var continueToken: String = ""
    /// A watch that begins with the objects that there are.
    package var sendInitialEvents: Bool?

    package init() {}

    package var versionMatch: VersionMatch? { VersionMatch(rawValue: resourceVersionMatch) }

    /// Reads and validates.
    package init(query: [(name: String, value: String)]) throws(StatusError) {
        let values = QueryValues(query)
        do throws(LabelQuery.ParseError) {
            labels = try LabelQuery(parsing: values.string("labelSelector") ?? "")
        } catch {
            throw .badRequest(error.description)
        }
        do throws(FieldQuery.ParseError) {
            fields = try FieldQuery(parsing: values.string("fieldSelector") ?? "")
        } catch {
            throw .badRequest(error.description)
        }
        isWatch = values.bool("watch") ?? false
        allowWatchBookmarks = values.bool("allowWatchBookmarks") ?? false
        resourceVersion = values.string("resourceVersion") ?? ""
        resourceVersionMatch = values.string("resourceVersionMatch") ?? ""
        timeoutSeconds = try values.int("timeoutSeconds")
        limit = try values.int("limit") ?? 0
        continueToken = values.string("continue") ?? ""
        sendInitialEvents = values.bool("sendInitialEvents")
        let errors: FieldErrors = validate()
        guard errors.isEmpty else {
            throw .invalid(GroupVersionKind(group: "meta.k8s.io", version: "v1", kind: "ListOptions"), "", errors)
        }
    }

    package func validate() -> FieldErrors {
        isWatch ? validateWatch() : validateList()
    }

    private func validateList() -> FieldErrors {
        var errors = FieldErrors()
        let path = FieldPath("resourceVersionMatch")
        if !resourceVersionMatch.isEmpty {
            if resourceVersion.isEmpty {
                let text: String = "resourceVersionMatch is forbidden unless resourceVersion is provided"
                errors.append(.forbidden(path, text))
            }
            if !continueToken.isEmpty {
                errors.append(.forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
            }
            if versionMatch == nil {
                errors.append(.notSupported(path, resourceVersionMatch, ["Exact", "NotOlderThan", ""]))
            }
            if versionMatch == .exact, resourceVersion == "0" {
                let text: String = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""
                errors.append(.forbidden(path, text))
            }
        }
        if sendInitialEvents != nil {
            errors.append(.forbidden(FieldPath("sendInitialEvents"), "sendInitialEvents is forbidden for list"))
        }
        return errors
    }

    private func validateWatch() -> FieldErrors {
        var errors = FieldErrors()
        let path = FieldPath("resourceVersionMatch")
        if sendInitialEvents != nil, versionMatch != .notOlderThan {
            let text: String = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            errors.append(.forbidden(path, text))
        }
        if !resourceVersionMatch.isEmpty {
            if sendInitialEvents == nil {
                let text: String = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                errors.append(.forbidden(path, text))
            }
            if versionMatch != .notOlderThan {
                errors.append(.notSupported(path, resourceVersionMatch, ["NotOlderThan"]))
            }
            if !continueToken.isEmpty {
                errors.append(.forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
            }
        }
        return errors
    }

    /// The resource version as a number; nil if none was given.
    package func revision(for kind: GroupVersionKind) throws(StatusError) -> Int64? {
        if resourceVersion.isEmpty { return nil }
        if let number = Int64(resourceVersion), number >= 0 { return number }
        let text: String = "strconv.ParseUint: parsing \(GoText.quoted(resourceVersion)): invalid syntax"
        throw .invalid(kind, "", [.invalid(FieldPath("resourceVersion"), resourceVersion, text)])
    }

    /// The query that reads as these options.
    package var query: [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        if !labels.isEverything { pairs.append(("labelSelector", labels.description)) }
        if !fields.isEverything { pairs.append(("fieldSelector", fields.description)) }
        if isWatch { pairs.append(("watch", "true")) }
        if allowWatchBookmarks { pairs.append(("allowWatchBookmarks", "true")) }
        if !resourceVersion.isEmpty { pairs.append(("resourceVersion", resourceVersion)) }
        if !resourceVersionMatch.isEmpty { pairs.append(("resourceVersionMatch", resourceVersionMatch)) }
        if let timeoutSeconds { pairs.append(("timeoutSeconds", String(timeoutSeconds))) }
        if limit > 0 { pairs.append(("limit", String(limit))) }
        if !continueToken.isEmpty { pairs.append(("continue", continueToken)) }
        if let sendInitialEvents { pairs.append(("sendInitialEvents", sendInitialEvents ? "true" : "false")) }
        return pairs
    }
}
