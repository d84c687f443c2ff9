/// Writes `static let schema`: text that `Schema` parses when it is first asked for.
struct SchemaEmitter {
    let owner: StructEmitter

    private var type: TypeDescription { owner.type }

    func emit(into out: inout SourceText) {
        var references: [String] = []
        var lines: [String] = []
        for field in type.isFreeform ? [] : type.fields {
            lines.append(
                [
                    field.name, text(field.type, &references), flags(field), field.defaultValue ?? "",
                    field.about,
                ].joined(separator: "|"))
        }
        out.block("extension \(owner.name)") { out in
            out.line("package static let schema: Schema = Schema(")
            out.indented { out in
                out.line("\"\(type.package).\(type.name)\",")
                if type.kind != nil { out.line("gvk: gvk,") }
                if !type.about.isEmpty { out.line("description: \(SourceText.literal(type.about)),") }
                if type.isFreeform { out.line("isFreeform: true,") }
                if let union = type.union {
                    let members: [String] = union.members.map { "(\"\($0.field)\", \"\($0.value)\")" }
                    out.line(
                        "union: SchemaUnion(discriminator: \"\(union.discriminator)\", "
                            + "members: [\(members.joined(separator: ", "))]),")
                }
                if !references.isEmpty {
                    out.line("types: [")
                    for key in references {
                        out.line("    { \(owner.catalog.swiftName(key, in: owner.group.module)).schema },")
                    }
                    out.line("],")
                }
                out.line("#\"\"\"")
                for line in lines { out.line(line) }
                out.line("\"\"\"#)")
            }
        }
    }

    private func text(_ type: FieldType, _ references: inout [String]) -> String {
        switch type {
        case .string: return "string"
        case .bool: return "bool"
        case .int32: return "int32"
        case .int64: return "int64"
        case .uint32: return "uint32"
        case .uint64: return "uint64"
        case .double: return "double"
        case .bytes: return "bytes"
        case .quantity: return "Quantity"
        case .intOrString: return "IntOrString"
        case .time: return "Time"
        case .microTime: return "MicroTime"
        case .rawExtension: return "RawExtension"
        case .fieldsV1: return "FieldsV1"
        case .list(let element): return "[" + text(element, &references) + "]"
        case .map(let element): return "{" + text(element, &references) + "}"
        case .message(let key), .enumeration(let key):
            if let index = references.firstIndex(of: key) { return "#\(index)" }
            references.append(key)
            return "#\(references.count - 1)"
        }
    }

    private func flags(_ field: Field) -> String {
        var flags: [String] = []
        if !field.number.isEmpty {
            flags.append("n=" + field.number.map { String($0) }.joined(separator: ","))
        }
        if field.isRequired { flags.append("required") }
        if field.isPointer { flags.append("pointer") }
        if field.isAlwaysWritten { flags.append("always") }
        if let list = field.listType { flags.append("list=" + list) }
        if !field.listKeys.isEmpty { flags.append("keys=" + field.listKeys.joined(separator: ",")) }
        if let map = field.mapType { flags.append("map=" + map) }
        if let patch = field.patch { flags.append("patch=" + patch) }
        if let patchKey = field.patchKey { flags.append("patchKey=" + patchKey) }
        return flags.joined(separator: " ")
    }
}
