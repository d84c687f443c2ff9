/// Writes one type: its stored members, and with the other emitters its coding and its schema.
struct StructEmitter {
    let catalog: Catalog
    let group: Group
    let type: TypeDescription

    var name: String { type.swiftName }

    func emit(into out: inout SourceText) {
        if let cases = type.cases {
            emitEnum(cases, into: &out)
            return
        }
        out.comment(type.about)
        out.block("package struct \(name): \(protocols)") { out in
            if let kind = type.kind {
                out.line(
                    "package static let gvk = GroupVersionKind(group: \"\(kind.group)\", version: "
                        + "\"\(kind.version)\", kind: \"\(kind.name)\")")
                out.line()
            }
            for field in type.fields { emitProperty(field, into: &out) }
            if !type.fields.isEmpty { out.line() }
            out.line("package init() {}")
        }
        if !group.isWireOnly, !type.isFreeform {
            out.line()
            JSONEmitter(owner: self).emit(into: &out)
        }
        out.line()
        ProtobufEmitter(owner: self).emit(into: &out)
        if !group.isWireOnly {
            out.line()
            SchemaEmitter(owner: self).emit(into: &out)
        }
    }

    private var protocols: String {
        if group.isWireOnly { return "Sendable, Equatable, ProtobufCodable" }
        if type.isList { return "APIList" }
        if type.isObject { return "APIObject" }
        return type.kind == nil ? "APIMessage" : "APIKind"
    }

    // MARK: - Members

    func isBoxed(_ field: Field) -> Bool { catalog.isBoxed(field, in: group) }

    /// Whether the Swift member is an optional. In proto3 a message that is not in a list may always be absent.
    func isOptional(_ field: Field) -> Bool {
        if group.isWireOnly, case .message = field.type { return true }
        return field.isPointer || field.type.isAlwaysOptional
    }

    private func emitProperty(_ field: Field, into out: inout SourceText) {
        let base: String = catalog.swiftType(field.type, in: group.module)
        let member: String = SourceText.identifier(field.swiftName)
        if isBoxed(field) {
            let wrapper: String = isOptional(field) ? "BoxedOptional" : "Boxed"
            let storage: String = "boxed" + field.swiftName.prefix(1).uppercased() + field.swiftName.dropFirst()
            out.line("@usableFromInline var \(storage) = \(wrapper)<\(base)>()")
            out.comment(field.about)
            out.line("@inlinable")
            out.block("package var \(member): \(base)\(isOptional(field) ? "?" : "")") { out in
                out.line("_read { yield \(storage).value }")
                out.line("_modify { yield &\(storage).value }")
            }
            return
        }
        out.comment(field.about)
        if isOptional(field) {
            out.line("package var \(member): \(base)?")
        } else {
            out.line("package var \(member): \(base) = \(emptyValue(field.type, base))")
        }
    }

    private func emptyValue(_ type: FieldType, _ base: String) -> String {
        switch type {
        case .string: return "\"\""
        case .bool: return "false"
        case .int32, .int64, .uint32, .uint64, .double: return "0"
        case .bytes, .list: return "[]"
        case .map: return "[:]"
        case .enumeration: return "\(base)(rawValue: 0)"
        default: return base + "()"
        }
    }

    // MARK: - Enums

    /// `SANDBOX_READY` → `sandboxReady`, `RuntimeDefault` → `runtimeDefault`.
    private static func caseName(_ name: String) -> String {
        guard name.contains(where: { $0.isLowercase }) else {
            let words: [Substring] = name.split(separator: "_")
            return words.enumerated().map { index, word in
                index == 0 ? word.lowercased() : word.prefix(1) + word.dropFirst().lowercased()
            }.joined()
        }
        return name.prefix(1).lowercased() + name.dropFirst()
    }

    /// A struct over the number, so that what a newer peer sends is kept.
    private func emitEnum(_ cases: [(name: String, value: Int)], into out: inout SourceText) {
        out.comment(type.about)
        out.block("package struct \(name): RawRepresentable, Hashable, Sendable, CustomStringConvertible") { out in
            out.line("package var rawValue: Int")
            out.line()
            out.block("package init(rawValue: Int)") { $0.line("self.rawValue = rawValue") }
            out.line()
            for (caseName, value) in cases {
                let member: String = SourceText.identifier(Self.caseName(caseName))
                out.line("package static let \(member) = \(name)(rawValue: \(value))")
            }
            out.line()
            out.block("package var description: String") { out in
                out.line("switch rawValue {")
                for (caseName, value) in cases { out.line("case \(value): return \"\(caseName)\"") }
                out.line("default: return \"\(name)(\\(rawValue))\"")
                out.line("}")
            }
        }
    }
}
