package import Codec

/// A parsed label selector: all of its requirements must hold.
package struct LabelQuery: Sendable, Equatable, CustomStringConvertible {
    package enum Operator: String, Sendable {
        case `in`
        case notIn = "notin"
        case equals = "="
        case doubleEquals = "=="
        case notEquals = "!="
        case greaterThan = "gt"
        case lessThan = "lt"
        case exists
        case doesNotExist = "!"

        /// The operators between a key and values, in the order in which upstream names them.
        static let binary: [Operator] = [.in, .notIn, .equals, .doubleEquals, .notEquals, .greaterThan, .lessThan]
    }

    package struct Requirement: Sendable, Equatable, CustomStringConvertible {
        package let key: String
        package let `operator`: Operator
        /// In order, without repetitions.
        package let values: [String]
        /// The value of `greaterThan` and `lessThan`.
        private let number: Int?

        /// Throws what upstream's `NewRequirement` finds wrong.
        package init(_ key: String, _ operator: Operator, _ values: [String] = []) throws(FieldErrors) {
            let errors: FieldErrors = Requirement.problems(key, `operator`, values)
            guard errors.isEmpty else { throw errors }
            self.init(unchecked: key, `operator`, values)
        }

        init(unchecked key: String, _ operator: Operator, _ values: [String]) {
            self.key = key
            self.operator = `operator`
            self.values = values.count < 2 ? values : Array(Set(values)).sorted()
            let isOrdered: Bool = `operator` == .greaterThan || `operator` == .lessThan
            // Of others it would depend on the order in which the values were given.
            number = isOrdered ? values.first.flatMap { Int($0) } : nil
        }

        private static func problems(_ key: String, _ operator: Operator, _ values: [String]) -> FieldErrors {
            var errors = FieldErrors()
            let messages: [String] = NameRules.qualifiedName(key)
            if !messages.isEmpty { errors.append(.invalid(FieldPath("key"), key, messages.joined(separator: "; "))) }
            let path = FieldPath("values")
            switch `operator` {
            case .in, .notIn:
                if values.isEmpty {
                    errors.append(.invalid(path, values, "for 'in', 'notin' operators, values set can't be empty"))
                }
            case .equals, .doubleEquals, .notEquals:
                if values.count != 1 {
                    errors.append(.invalid(path, values, "exact-match compatibility requires one single value"))
                }
            case .exists, .doesNotExist:
                if !values.isEmpty {
                    errors.append(.invalid(path, values, "values set must be empty for exists and does not exist"))
                }
            case .greaterThan, .lessThan:
                if values.count != 1 {
                    let text: String = "for 'Gt', 'Lt' operators, exactly one value is required"
                    errors.append(.invalid(path, values, text))
                }
                for (index, value) in values.enumerated() where Int(value) == nil {
                    let text: String = "for 'Gt', 'Lt' operators, the value must be an integer"
                    errors.append(.invalid(path.index(index), value, text))
                }
            }
            for (index, value) in values.enumerated() {
                let messages: [String] = NameRules.labelValue(value)
                guard !messages.isEmpty else { continue }
                errors.append(.invalid(path.index(index).key(key), value, messages.joined(separator: "; ")))
            }
            return errors
        }

        /// `label` is the value of the key; nil if the object does not have it.
        package func matches(_ label: String?) -> Bool {
            switch `operator` {
            case .in, .equals, .doubleEquals: return label.map { values.contains($0) } ?? false
            case .notIn, .notEquals: return label.map { !values.contains($0) } ?? true
            case .exists: return label != nil
            case .doesNotExist: return label == nil
            case .greaterThan, .lessThan:
                guard let number, let label, let other = Int(label) else { return false }
                return `operator` == .greaterThan ? other > number : other < number
            }
        }

        package var description: String {
            let list: String = values.joined(separator: ",")
            switch `operator` {
            case .exists: return key
            case .doesNotExist: return "!" + key
            case .equals, .doubleEquals, .notEquals: return key + `operator`.rawValue + list
            case .greaterThan: return key + ">" + list
            case .lessThan: return key + "<" + list
            case .in, .notIn: return "\(key) \(`operator`.rawValue) (\(list))"
            }
        }
    }

    /// Sorted by key.
    package private(set) var requirements: [Requirement]
    /// Whether no object matches, whatever its labels: what a missing selector means.
    package let matchesNothing: Bool

    private init(requirements: [Requirement], matchesNothing: Bool) {
        self.requirements = requirements
        self.matchesNothing = matchesNothing
    }

    package static let everything = LabelQuery(requirements: [], matchesNothing: false)
    package static let nothing = LabelQuery(requirements: [], matchesNothing: true)

    package init(_ requirements: [Requirement]) {
        // A stable order: by key, then as given.
        let order: [Int] = requirements.indices.sorted { left, right in
            let (one, other): (String, String) = (requirements[left].key, requirements[right].key)
            return one == other ? left < right : one < other
        }
        self.init(requirements: order.map { requirements[$0] }, matchesNothing: false)
    }

    /// Requires exactly these labels; no check of their form. Everything if empty.
    package init(equal labels: StringMap<String>) {
        self.init(labels.map { Requirement(unchecked: $0.key, .equals, [$0.value]) })
    }

    package var isEverything: Bool { requirements.isEmpty && !matchesNothing }

    package func matches(_ labels: StringMap<String>) -> Bool {
        if matchesNothing { return false }
        for requirement in requirements {
            guard requirement.matches(labels[requirement.key]) else { return false }
        }
        return true
    }

    /// The only value that the label may have, if the query demands one.
    package func requiredValue(of key: String) -> String? {
        guard let requirement = requirements.first(where: { $0.key == key }) else { return nil }
        switch requirement.operator {
        case .equals, .doubleEquals, .in: return requirement.values.count == 1 ? requirement.values[0] : nil
        default: return nil
        }
    }

    package func adding(_ more: Requirement) -> LabelQuery {
        matchesNothing ? self : LabelQuery(requirements + [more])
    }

    /// The text that parses to an equal query.
    package var description: String { requirements.map { $0.description }.joined(separator: ",") }
}
