import APIExtensions
import APIMachinery
import Codec

/// A schema is structural if each field's type stands in its one place outside of alternatives: so that unknown fields
/// can be pruned and defaults filled in.
enum StructuralRules {
    enum Level {
        case root, item, field
    }

    static func validate(_ schema: JSONSchemaProps, _ level: Level, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let items = schema.items?.props { errors += validate(items, .item, path.child("items")) }
        for (name, property) in schema.properties {
            errors += validate(property, .field, path.child("properties").key(name))
        }
        if let additional = schema.additionalProperties {
            if level == .root {
                errors.append(.forbidden(path.child("additionalProperties"), "must not be used at the root"))
            }
            if let props = additional.props {
                errors += validate(props, .field, path.child("additionalProperties"))
            }
        }
        errors += validateExtensions(schema, path)
        errors += validateAlternatives(schema, path, mayNameTypes: schema.isIntOrString)
        errors += validateType(schema, level, path)
        errors += validateMeta(schema, level, path)
        return errors
    }

    private static func validateExtensions(_ schema: JSONSchemaProps, _ path: FieldPath) -> FieldErrors {
        guard schema.isIntOrString else { return [] }
        var errors = FieldErrors()
        let text: String = "must be false if x-kubernetes-int-or-string is true"
        if schema.preservesUnknownFields == true {
            errors.append(.invalid(path.child("x-kubernetes-preserve-unknown-fields"), true, text))
        }
        if schema.isEmbeddedResource {
            errors.append(.invalid(path.child("x-kubernetes-embedded-resource"), true, text))
        }
        return errors
    }

    private static func validateType(_ schema: JSONSchemaProps, _ level: Level, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let field: FieldPath = path.child("type")
        if schema.isEmbeddedResource, schema.type != "object" {
            let text: String = "must be object if x-kubernetes-embedded-resource is true"
            errors.append(schema.type.isEmpty ? .required(field, text) : .invalid(field, schema.type, text))
        } else if schema.type.isEmpty, !schema.isIntOrString, schema.preservesUnknownFields != true {
            switch level {
            case .root: errors.append(.required(field, "must not be empty at the root"))
            case .item: errors.append(.required(field, "must not be empty for specified array items"))
            case .field: errors.append(.required(field, "must not be empty for specified object fields"))
            }
        }
        if schema.type == "array", schema.items == nil {
            errors.append(.required(path.child("items"), "must be specified"))
        }
        if schema.isEmbeddedResource, schema.additionalProperties != nil {
            let text: String = "must not be used if x-kubernetes-embedded-resource is set"
            errors.append(.forbidden(path.child("additionalProperties"), text))
        }
        if level == .root, !schema.type.isEmpty, schema.type != "object" {
            errors.append(.invalid(field, schema.type, "must be object at the root"))
        }
        if schema.isEmbeddedResource, schema.preservesUnknownFields != true, schema.properties.isEmpty {
            let text: String =
                "must not be empty if x-kubernetes-embedded-resource is true without "
                + "x-kubernetes-preserve-unknown-fields"
            errors.append(.required(path.child("properties"), text))
        }
        return errors
    }

    /// Kind, version and metadata are known; of the metadata only the name may be narrowed.
    private static func validateMeta(_ schema: JSONSchemaProps, _ level: Level, _ path: FieldPath) -> FieldErrors {
        guard level == .root || schema.isEmbeddedResource else { return [] }
        var errors = FieldErrors()
        let properties: FieldPath = path.child("properties")
        for (name, type) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
            guard let property = schema.properties[name], property.type != type else { continue }
            errors.append(.invalid(properties.key(name).child("type"), property.type, "must be \(type)"))
        }
        guard level == .root, let metadata = schema.properties["metadata"] else { return errors }
        var rest: JSONSchemaProps = metadata
        rest.type = ""
        rest.description = ""
        rest.properties["name"] = nil
        rest.properties["generateName"] = nil
        if rest != JSONSchemaProps() {
            let text: String =
                "must not specify anything other than name and generateName, but metadata is implicitly specified"
            errors.append(.forbidden(properties.key("metadata"), text))
        }
        return errors
    }

    // MARK: - Alternatives

    /// - Parameter mayNameTypes: the pattern of int-or-string, `anyOf: [{type: integer}, {type: string}]`.
    private static func validateAlternatives(_ schema: JSONSchemaProps, _ path: FieldPath, mayNameTypes: Bool)
        -> FieldErrors
    {
        var errors = FieldErrors()
        if let not = schema.not { errors += validateNested(not, path.child("not"), mayNameTypes: false) }
        for (index, one) in schema.allOf.enumerated() {
            let isPattern: Bool = mayNameTypes && index == 0
            errors += validateNested(one, path.child("allOf").index(index), mayNameTypes: false, innerMay: isPattern)
        }
        for (index, one) in schema.anyOf.enumerated() {
            errors += validateNested(one, path.child("anyOf").index(index), mayNameTypes: mayNameTypes)
        }
        for (index, one) in schema.oneOf.enumerated() {
            errors += validateNested(one, path.child("oneOf").index(index), mayNameTypes: false)
        }
        return errors
    }

    private static func validateNested(
        _ schema: JSONSchemaProps, _ path: FieldPath, mayNameTypes: Bool, innerMay: Bool = false
    ) -> FieldErrors {
        var errors: FieldErrors = validateAlternatives(schema, path, mayNameTypes: innerMay)
        if let items = schema.items?.props { errors += validateNested(items, path.child("items"), mayNameTypes: false) }
        for (name, property) in schema.properties {
            errors += validateNested(property, path.child("properties").key(name), mayNameTypes: false)
        }
        let empty: String = "must be empty to be structural"
        let undefined: String = "must be undefined to be structural"
        let off: String = "must be false to be structural"
        let forbidden: [(name: String, isSet: Bool, text: String)] = [
            ("type", !schema.type.isEmpty && !mayNameTypes, empty),
            ("additionalProperties", schema.additionalProperties != nil, undefined),
            ("default", schema.default != nil, undefined), ("title", !schema.title.isEmpty, empty),
            ("description", !schema.description.isEmpty, empty), ("nullable", schema.nullable, off),
            ("x-kubernetes-preserve-unknown-fields", schema.preservesUnknownFields == true, off),
            ("x-kubernetes-embedded-resource", schema.isEmbeddedResource, off),
            ("x-kubernetes-int-or-string", schema.isIntOrString, off),
            ("x-kubernetes-list-map-keys", !schema.listMapKeys.isEmpty, empty),
            ("x-kubernetes-list-type", schema.listType != nil, undefined),
            ("x-kubernetes-map-type", schema.mapType != nil, undefined),
        ]
        for (name, isSet, text) in forbidden where isSet { errors.append(.forbidden(path.child(name), text)) }
        if schema.properties["metadata"] != nil {
            let text: String = "must not be specified in a nested context"
            errors.append(.forbidden(path.child("properties").key("metadata"), text))
        }
        return errors
    }
}
