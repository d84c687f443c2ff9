/// Writes `JSONCodable`.
struct JSONEmitter {
    let owner: StructEmitter

    private var type: TypeDescription { owner.type }

    func emit(into out: inout SourceText) {
        out.block("extension \(owner.name)") { out in
            var keys: [String] = type.fields.map { $0.name }
            if type.kind != nil { keys += ["kind", "apiVersion"] }
            if keys.isEmpty {
                out.line("private static let jsonKeys = JSONKeyTable([])")
            } else {
                out.line("private static let jsonKeys = JSONKeyTable([")
                out.indented { out in
                    for key in keys { out.line("\"\(key)\",") }
                }
                out.line("])")
            }
            out.line()
            emitRead(into: &out)
            out.line()
            emitWrite(into: &out)
        }
    }

    // MARK: - Reading

    private func emitRead(into out: inout SourceText) {
        out.block("package init(json reader: inout JSONReader) throws(JSONError)") { out in
            out.line("guard try reader.beginObject() else { return }")
            out.block("while true") { out in
                out.line("switch try reader.nextField(Self.jsonKeys) {")
                for (index, field) in type.fields.enumerated() {
                    out.line("case \(index):")
                    out.indented { emitRead(field, into: &$0) }
                }
                if type.kind != nil {
                    out.line("case \(type.fields.count), \(type.fields.count + 1):")
                    out.indented { $0.line("_ = try reader.string()") }
                }
                out.line("default:")
                out.indented { $0.line("return") }
                out.line("}")
            }
        }
    }

    private func emitRead(_ field: Field, into out: inout SourceText) {
        let member: String = SourceText.identifier(field.swiftName)
        switch field.type {
        case .list(.int32):
            out.line("\(member) = []")
            out.block("if try reader.beginArray()") { out in
                out.line("while try reader.nextElement() { \(member).append(try reader.int32()) }")
            }
        case .map(.bytes):
            out.line("\(member) = [:]")
            out.block("if try reader.beginObject()") { out in
                out.line("while let key = try reader.nextKey() { \(member)[key] = try reader.base64() }")
            }
        default:
            if let scalar = Self.scalarReader(field.type) {
                let null: String = owner.isOptional(field) ? "try reader.takeNull() ? nil : " : "try "
                out.line("\(member) = \(null)reader.\(scalar)()")
            } else {
                out.line("\(member) = try reader.\(owner.isOptional(field) ? "optional" : "value")()")
            }
        }
    }

    private static func scalarReader(_ type: FieldType) -> String? {
        switch type {
        case .string: return "string"
        case .bool: return "bool"
        case .int32: return "int32"
        case .int64: return "int64"
        case .double: return "double"
        case .bytes: return "base64"
        default: return nil
        }
    }

    // MARK: - Writing

    private func emitWrite(into out: inout SourceText) {
        guard let kind = type.kind else {
            out.block("package func write(json writer: inout JSONWriter)") { out in
                out.line("writer.beginObject()")
                for field in type.fields { emitWrite(field, into: &out) }
                out.line("writer.endObject()")
            }
            return
        }
        out.block("package func write(json writer: inout JSONWriter)") { out in
            let apiVersion: String = kind.group.isEmpty ? kind.version : kind.group + "/" + kind.version
            out.line("writer.beginObject()")
            out.line("writer.key(\"kind\")")
            out.line("writer.string(\"\(kind.name)\")")
            out.line("writer.key(\"apiVersion\")")
            out.line("writer.string(\"\(apiVersion)\")")
            out.line("write(members: &writer)")
            out.line("writer.endObject()")
        }
        out.line()
        out.block("package func write(bareJSON writer: inout JSONWriter)") { out in
            out.line("writer.beginObject()")
            out.line("write(members: &writer)")
            out.line("writer.endObject()")
        }
        out.line()
        out.block("private func write(members writer: inout JSONWriter)") { out in
            for field in type.fields { emitWrite(field, into: &out) }
        }
    }

    private func emitWrite(_ field: Field, into out: inout SourceText) {
        let member: String = SourceText.identifier(field.swiftName)
        if type.name == "ObjectMeta", field.name == "resourceVersion" {
            out.line("writer.revisionSlot(\(member))")
            return
        }
        if owner.isOptional(field) {
            out.line("if let value = \(member) {")
            out.indented { emitMember(field, value: "value", into: &$0) }
            if field.isAlwaysWritten {
                out.line("} else {")
                out.indented { out in
                    out.line("writer.key(\"\(field.name)\")")
                    out.line("writer.null()")
                }
            }
            out.line("}")
            return
        }
        guard let condition = Self.presence(field.type, member) else {
            emitMember(field, value: member, into: &out)
            return
        }
        switch field.type {
        case .list, .map, .bytes:
            if field.isAlwaysWritten, !field.writesEmptyList {
                out.line("if \(condition) {")
                out.indented { emitMember(field, value: member, into: &$0) }
                out.line("} else {")
                out.indented { out in
                    out.line("writer.key(\"\(field.name)\")")
                    out.line("writer.null()")
                }
                out.line("}")
                return
            }
        default: break
        }
        if field.isAlwaysWritten {
            emitMember(field, value: member, into: &out)
        } else {
            out.block("if \(condition)") { emitMember(field, value: member, into: &$0) }
        }
    }

    /// What must hold for a value to be written; nil for what is always written.
    private static func presence(_ type: FieldType, _ member: String) -> String? {
        switch type {
        case .string, .bytes, .list, .map: return "!\(member).isEmpty"
        case .bool: return member
        case .int32, .int64, .uint32, .uint64, .double: return "\(member) != 0"
        default: return nil
        }
    }

    private func emitMember(_ field: Field, value: String, into out: inout SourceText) {
        out.line("writer.key(\"\(field.name)\")")
        switch field.type {
        case .string: out.line("writer.string(\(value))")
        case .bool: out.line("writer.bool(\(value))")
        case .int32, .int64: out.line("writer.int(\(value))")
        case .double: out.line("writer.double(\(value))")
        case .bytes: out.line("writer.base64(\(value))")
        case .map(.bytes):
            out.line("writer.beginObject()")
            out.block("for (key, bytes) in \(value)") { out in
                out.line("writer.key(key)")
                out.line("writer.base64(bytes)")
            }
            out.line("writer.endObject()")
        case .list where field.isBare:
            out.line("writer.beginArray()")
            out.block("for item in \(value)") { out in
                out.line("writer.element()")
                out.line("item.write(bareJSON: &writer)")
            }
            out.line("writer.endArray()")
        default: out.line("\(value).write(json: &writer)")
        }
    }
}
