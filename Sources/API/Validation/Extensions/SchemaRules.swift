import APIExtensions
import APIMachinery
import Codec

/// What the schema of a custom resource may say: OpenAPI v3 without what contradicts the API's conventions.
struct SchemaRules {
    /// The status has an endpoint of its own, so that its schema must be found below `properties`.
    var hasStatus: Bool

    /// Fields of a root whose status can be cut out, as upstream lists them, with their names in JSON.
    private static let rootFields: [(title: String, name: String)] = [
        ("Description", "description"), ("Type", "type"), ("Format", "format"), ("Title", "title"),
        ("Maximum", "maximum"), ("ExclusiveMaximum", "exclusiveMaximum"), ("Minimum", "minimum"),
        ("ExclusiveMinimum", "exclusiveMinimum"), ("MaxLength", "maxLength"), ("MinLength", "minLength"),
        ("Pattern", "pattern"), ("MaxItems", "maxItems"), ("MinItems", "minItems"), ("UniqueItems", "uniqueItems"),
        ("MultipleOf", "multipleOf"), ("Required", "required"), ("Items", "items"), ("Properties", "properties"),
        ("ExternalDocs", "externalDocs"), ("Example", "example"),
        ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields"),
        ("XValidations", "x-kubernetes-validations"),
    ]
    private static let types = ["array", "boolean", "integer", "number", "object", "string"]
    private static let metaFields: Set<String> = ["metadata", "kind", "apiVersion"]

    func validate(_ schema: JSONSchemaProps, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = hasStatus ? validateRoot(schema, path) : []
        if schema.nullable { errors.append(.forbidden(path.child("nullable"), "nullable cannot be true at the root")) }
        errors += StructuralRules.validate(schema, .root, path)
        errors += validate(schema, path, Place(isRoot: true))
        return errors
    }

    private func validateRoot(_ schema: JSONSchemaProps, _ path: FieldPath) -> FieldErrors {
        if !schema.type.isEmpty, schema.type != "object" {
            let text: String =
                "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled"
            return [.invalid(path.child("type"), schema.type, text)]
        }
        let allowed: Set<String> = Set(Self.rootFields.map { $0.name })
        let tree: JSONValue? = try? JSONReader.decode(JSONValue.self, from: schema.jsonBytes)
        guard tree?.object?.contains(where: { !allowed.contains($0.key) }) == true else { return [] }
        let titles: String = Self.rootFields.map { $0.title }.joined(separator: " ")
        let text: String =
            "only [\(titles)] fields are allowed at the root of the schema if the status subresource is enabled"
        return [.invalid(path, schema, text)]
    }

    /// Where in the whole a schema stands.
    private struct Place {
        var isRoot: Bool = false
        var isMetadata: Bool = false
        /// Why no default may be given; nil if it may.
        var noDefault: String?

        var inner: Place { Place(isMetadata: isMetadata, noDefault: noDefault) }
    }

    private func validate(_ schema: JSONSchemaProps, _ path: FieldPath, _ place: Place) -> FieldErrors {
        var errors: FieldErrors = validateSupport(schema, path, place)
        if schema.uniqueItems {
            let text: String = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            errors.append(.forbidden(path.child("uniqueItems"), text))
        }
        if let additional = schema.additionalProperties {
            if !schema.properties.isEmpty, !additional.allows || additional.props != nil {
                let text: String = "additionalProperties and properties are mutual exclusive"
                errors.append(.forbidden(path.child("additionalProperties"), text))
            }
            var below: Place = place.inner
            if place.isMetadata { below.noDefault = "inside additionalProperties applying to object metadata" }
            if let props = additional.props { errors += validate(props, path.child("additionalProperties"), below) }
        }
        for (name, property) in schema.properties {
            var below: Place = place.inner
            if place.isRoot || schema.isEmbeddedResource, Self.metaFields.contains(name) {
                below.isMetadata = true
                if place.isRoot { below.noDefault = "in top-level \(name)" }
            }
            errors += validate(property, path.child("properties").key(name), below)
        }
        errors += validateAlternatives(schema, path, place.inner)
        if let props = schema.items?.props { errors += validate(props, path.child("items"), place.inner) }
        errors += validateExtensions(schema, path)
        errors += validateKeys(schema, path)
        for (index, rule) in schema.validations.enumerated() {
            errors += rule.validate(path.child("x-kubernetes-validations").index(index))
        }
        return errors
    }

    private func validateAlternatives(_ schema: JSONSchemaProps, _ path: FieldPath, _ place: Place) -> FieldErrors {
        var errors = FieldErrors()
        if let not = schema.not { errors += validate(not, path.child("not"), place) }
        for (name, list) in [("allOf", schema.allOf), ("oneOf", schema.oneOf), ("anyOf", schema.anyOf)] {
            for (index, one) in list.enumerated() { errors += validate(one, path.child(name).index(index), place) }
        }
        return errors
    }

    /// Parts of JSON Schema that are not part of it here.
    private func validateSupport(_ schema: JSONSchemaProps, _ path: FieldPath, _ place: Place) -> FieldErrors {
        var errors = FieldErrors()
        if !schema.type.isEmpty, !Self.types.contains(schema.type) {
            errors.append(.notSupported(path.child("type"), schema.type, Self.types))
        }
        if schema.default != nil, let reason = place.noDefault {
            errors.append(.forbidden(path.child("default"), "must not be set " + reason))
        }
        let unsupported: [(name: String, isSet: Bool)] = [
            ("id", !schema.id.isEmpty), ("additionalItems", schema.additionalItems != nil),
            ("patternProperties", !schema.patternProperties.isEmpty), ("definitions", !schema.definitions.isEmpty),
            ("dependencies", !schema.dependencies.isEmpty), ("$ref", schema.ref != nil),
        ]
        for (name, isSet) in unsupported where isSet {
            errors.append(.forbidden(path.child(name), "\(name) is not supported"))
        }
        if schema.type == "null" {
            let text: String = "type cannot be set to null, use nullable as an alternative"
            errors.append(.forbidden(path.child("type"), text))
        }
        if schema.items?.jsonSchemas.isEmpty == false {
            errors.append(.forbidden(path.child("items"), "items must be a schema object and not an array"))
        }
        if place.isMetadata, schema.isEmbeddedResource {
            let text: String = "must not be used inside of resource meta"
            errors.append(.forbidden(path.child("x-kubernetes-embedded-resource"), text))
        }
        return errors
    }

    // MARK: - How lists and maps merge

    private func validateExtensions(_ schema: JSONSchemaProps, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if schema.preservesUnknownFields == false {
            let text: String = "must be true or undefined"
            errors.append(.invalid(path.child("x-kubernetes-preserve-unknown-fields"), false, text))
        }
        if let mapType = schema.mapType {
            errors += Self.type(schema.type, mustBe: "object", "x-kubernetes-map-type", path)
            errors += Rule.oneOf(mapType, ["atomic", "granular"], path.child("x-kubernetes-map-type"))
        }
        guard let listType = schema.listType else { return errors }
        errors += Self.type(schema.type, mustBe: "array", "x-kubernetes-list-type", path)
        if schema.type == "array", listType == "set", let items = schema.items?.props {
            let text: String = "must be atomic as item of a list with x-kubernetes-list-type=set"
            if items.type == "array", let inner = items.listType, inner != "atomic" {
                errors.append(.invalid(path.child("items").child("x-kubernetes-list-type"), inner, text))
            }
            if items.type == "object", items.mapType != "atomic" {
                errors.append(
                    .invalid(path.child("items").child("x-kubernetes-map-type"), items.listType, text))
            }
        }
        return errors + Rule.oneOf(listType, ["atomic", "set", "map"], path.child("x-kubernetes-list-type"))
    }

    private static func type(_ type: String, mustBe wanted: String, _ reason: String, _ path: FieldPath) -> FieldErrors
    {
        if type == wanted { return [] }
        let text: String = "must be \(wanted) if \(reason) is specified"
        return type.isEmpty ? [.required(path.child("type"), text)] : [.invalid(path.child("type"), type, text)]
    }

    private func validateKeys(_ schema: JSONSchemaProps, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let field: FieldPath = path.child("x-kubernetes-list-map-keys")
        if !schema.listMapKeys.isEmpty, schema.listType != "map" {
            let text: String = "must be map if x-kubernetes-list-map-keys is non-empty"
            let type: FieldPath = path.child("x-kubernetes-list-type")
            if let listType = schema.listType {
                errors.append(.invalid(type, listType, text))
            } else {
                errors.append(.required(type, text))
            }
        }
        if schema.listType == "set" || schema.listType == "map", schema.items?.props?.nullable == true {
            let text: String = "cannot be nullable when x-kubernetes-list-type is \(schema.listType ?? "")"
            errors.append(.forbidden(path.child("items").child("nullable"), text))
        }
        guard schema.listType == "map" else { return errors }
        if schema.listMapKeys.isEmpty {
            errors.append(.required(field, "must not be empty if x-kubernetes-list-type is map"))
        }
        guard let items = schema.items?.props else {
            let text: String = "must have a schema if x-kubernetes-list-type is map"
            if schema.items == nil { errors.append(.required(path.child("items"), text)) }
            return errors
        }
        guard items.type == "object" else {
            let text: String = "must be object if parent array's x-kubernetes-list-type is map"
            errors.append(.invalid(path.child("items").child("type"), items.type, text))
            return errors
        }
        return errors + validateKeys(schema.listMapKeys, of: items, path, field)
    }

    private func validateKeys(
        _ keys: [String], of items: JSONSchemaProps, _ path: FieldPath, _ field: FieldPath
    ) -> FieldErrors {
        var errors = FieldErrors()
        if Set(keys).count < keys.count {
            errors.append(.invalid(field, keys, "must not contain duplicate entries"))
        }
        for key in keys {
            guard let property = items.properties[key] else {
                errors.append(.invalid(field, keys, "entries must all be names of item properties"))
                continue
            }
            let place: FieldPath = path.child("items").child("properties").key(key)
            if property.type == "array" || property.type == "object" {
                let text: String = "must be a scalar type if parent array's x-kubernetes-list-type is map"
                errors.append(.invalid(place.child("type"), items.type, text))
            }
            if !items.required.contains(key), property.default == nil {
                let text: String =
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required "
                    + "property"
                errors.append(.required(place.child("default"), text))
            }
            if property.nullable {
                let text: String = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
                errors.append(.forbidden(place.child("nullable"), text))
            }
        }
        return errors
    }
}

extension ValidationRule {
    private static let reasons = [
        "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired",
    ]

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if AdmissionRules.isBlank(rule) {
            errors.append(.required(path.child("rule"), "rule is not specified"))
        } else if !message.isEmpty, AdmissionRules.isBlank(message) {
            errors.append(.invalid(path.child("message"), message, "message must be non-empty if specified"))
        } else if AdmissionRules.hasLineBreaks(message) {
            errors.append(.invalid(path.child("message"), message, "message must not contain line breaks"))
        } else if AdmissionRules.hasLineBreaks(rule), message.isEmpty {
            let text: String = "message must be specified if rule contains line breaks"
            errors.append(.required(path.child("message"), text))
        }
        if !messageExpression.isEmpty, AdmissionRules.isBlank(messageExpression) {
            let text: String = "messageExpression must be non-empty if specified"
            errors.append(.required(path.child("messageExpression"), text))
        }
        errors += Rule.optionalChoice(reason, Self.reasons, path.child("reason"))
        if !fieldPath.isEmpty, AdmissionRules.isBlank(fieldPath) {
            errors.append(.invalid(path.child("fieldPath"), fieldPath, "fieldPath must be non-empty if specified"))
        }
        if AdmissionRules.hasLineBreaks(fieldPath) {
            errors.append(.invalid(path.child("fieldPath"), fieldPath, "fieldPath must not contain line breaks"))
        }
        return errors
    }
}
