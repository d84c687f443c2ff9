import APIExtensions
import APIMachinery
import Codec

extension CustomResourceDefinitionVersion {
    private static let columnTypes = ["boolean", "date", "integer", "number", "string"]
    private static let columnFormats = [
        "binary", "byte", "date", "date-time", "double", "float", "int32", "int64", "password",
    ]
    private static let longestWarning = 256
    private static let mostSelectableFields = 8

    func validateWarning(_ path: FieldPath) -> FieldErrors {
        guard let warning = deprecationWarning else { return [] }
        if !deprecated { return [.invalid(path, warning, "can only be set for deprecated versions")] }
        var messages: [String] = []
        if warning.utf8.count > Self.longestWarning { messages.append("must be <= 256 characters long") }
        if warning.isEmpty { messages.append("must not be an empty string") }
        var offset: Int = 0
        for scalar in warning.unicodeScalars {
            let category: Unicode.GeneralCategory = scalar.properties.generalCategory
            if [.control, .format, .unassigned, .privateUse, .surrogate, .lineSeparator, .paragraphSeparator]
                .contains(category)
            {
                messages.append(
                    "must only contain printable UTF-8 characters; non-printable character found at index \(offset)")
                break
            }
            offset += UTF8.width(scalar)
        }
        return Rule.messages(messages, warning, path)
    }

    func validateSchema(_ path: FieldPath) -> FieldErrors {
        guard let schema = validation?.openAPIV3Schema else { return [] }
        return SchemaRules(hasStatus: subresources?.status != nil).validate(schema, path.child("openAPIV3Schema"))
    }

    // MARK: - Subresources

    func validateSubresources(_ path: FieldPath) -> FieldErrors {
        guard let scale = subresources?.scale else { return [] }
        var errors: FieldErrors = Self.scalePath(
            scale.specReplicasPath, below: ".spec", path.child("scale.specReplicasPath"))
        errors += Self.scalePath(scale.statusReplicasPath, below: ".status", path.child("scale.statusReplicasPath"))
        if let selector = scale.labelSelectorPath, !selector.isEmpty {
            let field: FieldPath = path.child("scale.labelSelectorPath")
            let simple: FieldErrors = Self.simplePath(selector, field)
            if !simple.isEmpty {
                errors += simple
            } else if !selector.hasPrefix(".status."), !selector.hasPrefix(".spec.") {
                errors.append(.invalid(field, selector, "should be a json path under either .spec or .status"))
            }
        }
        return errors
    }

    private static func scalePath(_ text: String, below root: String, _ path: FieldPath) -> FieldErrors {
        if text.isEmpty { return [.required(path)] }
        let errors: FieldErrors = simplePath(text, path)
        if !errors.isEmpty { return errors }
        return text.hasPrefix(root + ".") ? [] : [.invalid(path, text, "should be a json path under \(root)")]
    }

    private static func simplePath(_ text: String, _ path: FieldPath) -> FieldErrors {
        text.hasPrefix(".") ? [] : [.invalid(path, text, "must be a simple json path starting with .")]
    }

    // MARK: - Columns and fields

    func validateColumns(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, column) in additionalPrinterColumns.enumerated() {
            let field: FieldPath = path.index(index)
            errors += Rule.required(column.name, field.child("name"))
            let types: String = "must be one of " + Self.columnTypes.joined(separator: ",")
            if column.type.isEmpty {
                errors.append(.required(field.child("type"), types))
            } else if !Self.columnTypes.contains(column.type) {
                errors.append(.invalid(field.child("type"), column.type, types))
            }
            if !column.format.isEmpty, !Self.columnFormats.contains(column.format) {
                let text: String = "must be one of " + Self.columnFormats.joined(separator: ",")
                errors.append(.invalid(field.child("format"), column.format, text))
            }
            // Upstream writes the field so.
            let json: FieldPath = field.child("JSONPath")
            errors += column.jsonPath.isEmpty ? [.required(json)] : Self.simplePath(column.jsonPath, json)
        }
        return errors
    }

    func validateSelectableFields(_ path: FieldPath) -> FieldErrors {
        if selectableFields.isEmpty { return [] }
        guard let schema = validation?.openAPIV3Schema else {
            let text: String = "selectableFields may only be set when version.schema.openAPIV3Schema is not included"
            return [.invalid(path, "", text)]
        }
        var errors = FieldErrors()
        var seen: Set<String> = []
        for (index, field) in selectableFields.enumerated() {
            let place: FieldPath = path.index(index).child("jsonPath")
            if field.jsonPath.isEmpty {
                errors.append(.required(place))
                continue
            }
            guard let type = Self.type(at: field.jsonPath, in: schema) else {
                errors.append(.invalid(place, field.jsonPath, "is an invalid path: does not refer to a valid field"))
                continue
            }
            if field.jsonPath.hasPrefix(".metadata") {
                errors.append(.invalid(place, field.jsonPath, "must not point to fields in metadata"))
            }
            if !["string", "boolean", "integer"].contains(type) {
                let text: String =
                    "must point to a field of type string, boolean or integer. Enum string fields and strings with "
                    + "formats are allowed."
                errors.append(.invalid(place, field.jsonPath, text))
            }
            if !seen.insert(field.jsonPath).inserted { errors.append(.duplicate(place, field.jsonPath)) }
        }
        if seen.count > Self.mostSelectableFields {
            errors.append(.tooMany(path, actual: seen.count, limit: Self.mostSelectableFields))
        }
        return errors
    }

    /// The type that a path such as `.spec.color` leads to; nil if it leads nowhere.
    private static func type(at path: String, in schema: JSONSchemaProps) -> String? {
        guard path.hasPrefix(".") else { return nil }
        var current: JSONSchemaProps = schema
        for name in path.dropFirst().split(separator: ".", omittingEmptySubsequences: false) {
            guard let next = current.properties[String(name)] else { return nil }
            current = next
        }
        return current.type
    }
}
