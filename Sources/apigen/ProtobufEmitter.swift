/// Writes `ProtobufCodable`.
///
/// Kubernetes' messages follow what upstream's generator does in proto2: members that are not pointers are written even
/// if they are zero, lists of numbers one by one. The container runtime interface is proto3: zero is left out.
struct ProtobufEmitter {
    let owner: StructEmitter

    private var type: TypeDescription { owner.type }
    private var isProto3: Bool { owner.group.isWireOnly }

    /// What stands under one number: a field, or an embedded message with entries of its own.
    private struct Entry {
        /// All numbers on the way, from the outermost.
        var path: [Int]
        var field: Field?
        var embedded: [Entry]

        var number: Int { path[path.count - 1] }
        /// `2` or `2Then3`, for names.
        var label: String { path.map { String($0) }.joined(separator: "Then") }
    }

    /// In rising order.
    private static func entries(of fields: [Field], below path: [Int] = []) -> [Entry] {
        var grouped: [Int: [Field]] = [:]
        for field in fields where field.number.count > path.count {
            grouped[field.number[path.count], default: []].append(field)
        }
        return grouped.sorted { $0.key < $1.key }.map { number, fields in
            let here: [Int] = path + [number]
            if let field = fields.first, field.number.count == here.count {
                return Entry(path: here, field: field, embedded: [])
            }
            return Entry(path: here, field: nil, embedded: entries(of: fields, below: here))
        }
    }

    func emit(into out: inout SourceText) {
        out.block("extension \(owner.name)") { out in
            let entries: [Entry] = Self.entries(of: type.fields)
            out.block("package init(protobuf reader: inout ProtobufReader) throws(ProtobufError)") { out in
                emitLoop(entries, into: &out)
            }
            emitEmbedded(entries, into: &out)
            out.line()
            out.block("package func write(protobuf writer: inout ProtobufWriter)") { out in
                emitWrites(entries, into: &out)
            }
        }
    }

    private func emitEmbedded(_ entries: [Entry], into out: inout SourceText) {
        for entry in entries where entry.field == nil {
            out.line()
            let header = "private mutating func read(embedded\(entry.label) reader: inout ProtobufReader)"
            out.block(header + " throws(ProtobufError)") { emitLoop(entry.embedded, into: &$0) }
            emitEmbedded(entry.embedded, into: &out)
        }
    }

    private func emitLoop(_ entries: [Entry], into out: inout SourceText) {
        out.block("while true") { out in
            out.line("switch try reader.nextField() {")
            out.line("case 0:")
            out.indented { $0.line("return") }
            for entry in entries {
                out.line("case \(entry.number):")
                out.indented { out in
                    if let field = entry.field {
                        emitRead(field, into: &out)
                    } else {
                        out.line("let outer: Int = try reader.enterMessage()")
                        out.line("try read(embedded\(entry.label): &reader)")
                        out.line("reader.leaveMessage(outer)")
                    }
                }
            }
            out.line("default:")
            out.indented { $0.line("try reader.skip()") }
            out.line("}")
        }
    }

    private func emitWrites(_ entries: [Entry], into out: inout SourceText) {
        for entry in entries.reversed() {
            if let field = entry.field {
                emitWrite(field, number: entry.number, into: &out)
            } else {
                out.line("let mark\(entry.label): Int = writer.count")
                emitWrites(entry.embedded, into: &out)
                out.line("writer.header(field: \(entry.number), since: mark\(entry.label))")
            }
        }
    }

    // MARK: - Reading

    private func emitRead(_ field: Field, into out: inout SourceText) {
        let member: String = SourceText.identifier(field.swiftName)
        switch field.type {
        case .list(let element):
            switch element {
            case .int32: out.line("try reader.int32(appendingTo: &\(member))")
            case .int64: out.line("try reader.int64(appendingTo: &\(member))")
            case .string where field.isWrapped: out.line("\(member) = try reader.wrappedStrings()")
            default: out.line("\(member).append(try reader.\(Self.method(element))())")
            }
        case .map(.list(.string)): out.line("try reader.wrappedEntry(of: &\(member))")
        case .map(.string), .map(.bytes): out.line("try reader.entry(of: &\(member))")
        case .map: out.line("try reader.messageEntry(of: &\(member))")
        case .enumeration:
            let name: String = owner.catalog.swiftType(field.type, in: owner.group.module)
            out.line("\(member) = \(name)(rawValue: try reader.int32())")
        default:
            out.line("\(member) = try reader.\(Self.method(field.type))()")
        }
    }

    private static func method(_ type: FieldType) -> String {
        switch type {
        case .string: return "string"
        case .bool: return "bool"
        case .int32: return "int32"
        case .int64: return "int64"
        case .uint32: return "uint32"
        case .uint64: return "varint"
        case .double: return "double"
        case .bytes: return "bytes"
        case .time: return "time"
        case .microTime: return "microTime"
        case .rawExtension, .fieldsV1: return "json"
        default: return "message"
        }
    }

    // MARK: - Writing

    private func emitWrite(_ field: Field, number: Int, into out: inout SourceText) {
        let member: String = SourceText.identifier(field.swiftName)
        let suffix = "field: \(number))"
        switch field.type {
        case .list(let element):
            switch element {
            case .string where field.isWrapped: out.line("writer.wrappedStrings(\(member), \(suffix)")
            case .string: out.line("writer.strings(\(member), \(suffix)")
            case .int32, .int64: out.line("writer.\(isProto3 ? "packed" : "ints")(\(member), \(suffix)")
            default: out.line("writer.messages(\(member), \(suffix)")
            }
        case .map(.list(.string)): out.line("writer.wrappedMap(\(member), \(suffix)")
        case .map(.string), .map(.bytes): out.line("writer.map(\(member), \(suffix)")
        case .map: out.line("writer.messageMap(\(member), \(suffix)")
        case .time, .microTime, .rawExtension, .fieldsV1:
            // Not a pointer upstream: an empty message stands for nil.
            if field.isPointer {
                out.line("if let value = \(member) { writer.\(Self.method(field.type))(value, \(suffix) }")
            } else {
                out.line("writer.\(Self.method(field.type))(\(member), \(suffix)")
            }
        case .bytes:
            out.line("if !\(member).isEmpty { writer.bytes(\(member), \(suffix) }")
        default:
            let method: String = Self.writer(field.type)
            let value: String
            if case .enumeration = field.type { value = ".rawValue" } else { value = "" }
            if owner.isOptional(field) {
                out.line("if let value = \(member) { writer.\(method)(value\(value), \(suffix) }")
            } else if isProto3, let condition = Self.presence(field.type, member) {
                out.line("if \(condition) { writer.\(method)(\(member)\(value), \(suffix) }")
            } else {
                out.line("writer.\(method)(\(member)\(value), \(suffix)")
            }
        }
    }

    private static func writer(_ type: FieldType) -> String {
        switch type {
        case .int32, .int64, .uint32, .enumeration: return "int"
        default: return method(type)
        }
    }

    private static func presence(_ type: FieldType, _ member: String) -> String? {
        switch type {
        case .string: return "!\(member).isEmpty"
        case .bool: return member
        case .int32, .int64, .uint32, .uint64, .double: return "\(member) != 0"
        case .enumeration: return "\(member).rawValue != 0"
        default: return nil
        }
    }
}
