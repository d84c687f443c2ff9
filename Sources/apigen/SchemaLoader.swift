import Codec

/// Reads schema files; see `Sources/API/Schema`.
struct SchemaLoader {
    /// The file that is being read, for messages.
    private let path: String
    private let stem: String

    private init(path: String, stem: String) {
        self.path = path
        self.stem = stem
    }

    static func load(_ bytes: [UInt8], path: String, stem: String) throws(Failure) -> Group {
        let documents: [JSONValue]
        do {
            documents = try YAML.decode(bytes)
        } catch {
            throw Failure("\(path): \(error)")
        }
        guard let document = documents.first, documents.count == 1 else {
            throw Failure("\(path): expected one document")
        }
        return try SchemaLoader(path: path, stem: stem).group(document)
    }

    private func group(_ document: JSONValue) throws(Failure) -> Group {
        let top: Members = try members(document, "the file")
        let package: String = try text(top, "package")
        let isWireOnly: Bool = flag(top, "wireOnly")
        var files: [Group.File] = []
        for (name, value) in try members(top.value("files") ?? .null, "files") {
            var types: [TypeDescription] = []
            for (typeName, description) in try members(value, name) {
                types.append(try type(typeName, description, package: package, isWireOnly: isWireOnly))
            }
            files.append(Group.File(name: name, types: types))
        }
        var services: [Group.Service] = []
        if let all = top.value("services") {
            for (name, methods) in try members(all, "services") {
                services.append(Group.Service(name: name, methods: try words(methods, name)))
            }
        }
        return Group(
            stem: stem, package: package, module: try text(top, "module"), output: try text(top, "output"),
            isWireOnly: isWireOnly, files: files, services: services)
    }

    private func type(
        _ name: String, _ value: JSONValue, package: String, isWireOnly: Bool
    ) throws(Failure) -> TypeDescription {
        let parts: Members = try members(value, name)
        var result = TypeDescription(
            name: name, swiftName: optionalText(parts, "swift") ?? name,
            package: optionalText(parts, "package") ?? package, about: optionalText(parts, "about") ?? "", fields: [])
        result.isFreeform = flag(parts, "freeform")
        if let gvk = optionalText(parts, "gvk") {
            let words: [String] = gvk.split(separator: "/").map { String($0) }
            guard words.count == 2 || words.count == 3 else { throw Failure("\(path): \(name): bad gvk \(gvk)") }
            result.kind = TypeDescription.Kind(
                group: words.count == 3 ? words[0] : "", version: words[words.count - 2], name: words[words.count - 1])
        }
        if let union = parts.value("union") {
            let parts: Members = try members(union, "union")
            var choices: [(field: String, value: String)] = []
            for (field, value) in try members(parts.value("fields") ?? .null, "fields") {
                choices.append((field, try string(value, field)))
            }
            result.union = TypeDescription.Union(discriminator: try text(parts, "discriminator"), members: choices)
        }
        if let cases = parts.value("cases") {
            var list: [(name: String, value: Int)] = []
            for (caseName, value) in try members(cases, name) {
                guard case .int(let number) = value else { throw Failure("\(path): \(name).\(caseName): not a number") }
                list.append((caseName, Int(number)))
            }
            result.cases = list
        }
        for (fieldName, value) in try members(parts.value("fields") ?? .null, name) {
            result.fields.append(try field(fieldName, value, of: name, isWireOnly: isWireOnly))
        }
        return result
    }

    private func field(
        _ name: String, _ value: JSONValue, of type: String, isWireOnly: Bool
    ) throws(Failure) -> Field {
        let parts: Members = try members(value, "\(type).\(name)")
        let fieldType: FieldType = try self.type(try text(parts, "type"), at: "\(type).\(name)")
        let isRequired: Bool = flag(parts, "required")
        let isPointer: Bool = flag(parts, "pointer")
        let isAlways: Bool
        if case .bool(let always)? = parts.value("always") { isAlways = always } else { isAlways = isRequired }
        var number: [Int] = []
        switch parts.value("proto") {
        case .int(let only)?: number = [Int(only)]
        case .array(let path)?:
            for case .int(let step) in path { number.append(Int(step)) }
        default: break
        }
        var defaultValue: String?
        if let given = parts.value("default") {
            defaultValue = String(decoding: given.jsonBytes, as: UTF8.self)
        } else if isRequired, isAlways, !isPointer {
            defaultValue = Self.zero(fieldType)
        }
        return Field(
            name: name, swiftName: optionalText(parts, "swift") ?? (isWireOnly ? Self.camelCase(name) : name),
            type: fieldType, number: number,
            isPointer: isPointer, isRequired: isRequired, isAlwaysWritten: isAlways,
            writesEmptyList: flag(parts, "empty"), isBare: flag(parts, "bare"), isWrapped: flag(parts, "wrapped"),
            defaultValue: defaultValue, listType: optionalText(parts, "list"),
            listKeys: try parts.value("keys").map { value throws(Failure) in try words(value, name) } ?? [],
            mapType: optionalText(parts, "map"), patch: optionalText(parts, "patch"),
            patchKey: optionalText(parts, "patchKey"), about: optionalText(parts, "about") ?? "")
    }

    /// Required scalars have their zero value as published default.
    private static func zero(_ type: FieldType) -> String? {
        switch type {
        case .string: return "\"\""
        case .int32, .int64: return "0"
        case .bool: return "false"
        default: return nil
        }
    }

    /// `pod_sandbox_id` → `podSandboxId`.
    private static func camelCase(_ name: String) -> String {
        var result = ""
        var upper = false
        for character in name {
            if character == "_" {
                upper = true
            } else {
                result += upper ? character.uppercased() : String(character)
                upper = false
            }
        }
        return result
    }

    private static let scalars: [String: FieldType] = [
        "string": .string, "bool": .bool, "int32": .int32, "int64": .int64, "uint32": .uint32, "uint64": .uint64,
        "double": .double, "bytes": .bytes, "Quantity": .quantity, "IntOrString": .intOrString, "Time": .time,
        "MicroTime": .microTime, "RawExtension": .rawExtension, "FieldsV1": .fieldsV1,
    ]

    /// `[core.PodSpec]`; a name without a group is of the same file, one without a version of v1.
    private func type(_ text: String, at place: String) throws(Failure) -> FieldType {
        if let first = text.first, first == "[" || first == "{" {
            let inner: FieldType = try type(String(text.dropFirst().dropLast()), at: place)
            return first == "[" ? .list(inner) : .map(inner)
        }
        if let scalar = Self.scalars[text] { return scalar }
        let words: [Substring] = text.split(separator: ".")
        switch words.count {
        case 1: return .message(stem + "." + text)
        case 2: return .message(words[0] + ".v1." + words[1])
        case 3: return .message(text)
        default: throw Failure("\(path): \(place): bad type \(text)")
        }
    }

    // MARK: - Values

    private func members(_ value: JSONValue, _ place: String) throws(Failure) -> Members {
        switch value {
        case .object(let object): return Members(object)
        case .null: return Members()
        default: throw Failure("\(path): \(place) should be a mapping")
        }
    }

    private func string(_ value: JSONValue, _ place: String) throws(Failure) -> String {
        guard case .string(let text) = value else { throw Failure("\(path): \(place) should be a text") }
        return text
    }

    private func words(_ value: JSONValue, _ place: String) throws(Failure) -> [String] {
        guard case .array(let list) = value else { throw Failure("\(path): \(place) should be a list") }
        var result: [String] = []
        for element in list { result.append(try string(element, place)) }
        return result
    }

    private func text(_ parts: Members, _ key: String) throws(Failure) -> String {
        guard let value = parts.value(key) else { throw Failure("\(path): \(key) is missing") }
        return try string(value, key)
    }

    private func optionalText(_ parts: Members, _ key: String) -> String? {
        guard case .string(let text)? = parts.value(key) else { return nil }
        return text
    }

    private func flag(_ parts: Members, _ key: String) -> Bool {
        parts.value(key) == .bool(true)
    }
}

/// The members of a mapping, in the file's order.
struct Members: Sequence {
    private var list: [(String, JSONValue)] = []

    init() {}

    init(_ object: JSONObject) {
        for (key, value) in object { list.append((key, value)) }
    }

    func value(_ key: String) -> JSONValue? {
        list.first { $0.0 == key }?.1
    }

    func makeIterator() -> IndexingIterator<[(String, JSONValue)]> {
        list.makeIterator()
    }
}
