extension LabelQuery {
    /// The query of a selector in an object; nothing for nil, everything for the empty one.
    package init(_ selector: LabelSelector?) throws(ParseError) {
        guard let selector else {
            self = .nothing
            return
        }
        var requirements: [Requirement] = []
        do throws(FieldErrors) {
            for (key, value) in selector.matchLabels { requirements.append(try Requirement(key, .equals, [value])) }
        } catch {
            throw ParseError(error.description)
        }
        for expression in selector.matchExpressions {
            let `operator`: Operator
            switch expression.operator {
            case "In": `operator` = .in
            case "NotIn": `operator` = .notIn
            case "Exists": `operator` = .exists
            case "DoesNotExist": `operator` = .doesNotExist
            default:
                throw ParseError("\(GoText.quoted(expression.operator)) is not a valid label selector operator")
            }
            do throws(FieldErrors) {
                requirements.append(try Requirement(expression.key, `operator`, expression.values))
            } catch {
                throw ParseError(error.description)
            }
        }
        self.init(requirements)
    }
}

extension LabelSelector {
    package var isEmpty: Bool { matchLabels.isEmpty && matchExpressions.isEmpty }

    /// Upstream's `FormatLabelSelector`: the query's text, `<none>` for everything, `<error>` if it is broken.
    package var formatted: String {
        guard let query = try? LabelQuery(self) else { return "<error>" }
        let text: String = query.description
        return text.isEmpty ? "<none>" : text
    }
}
