/// All types of all groups, with what follows from knowing them all: Swift names and sizes.
struct Catalog {
    private(set) var groups: [Group]
    private var types: [String: (module: String, description: TypeDescription)] = [:]

    init(_ groups: [Group]) throws(Failure) {
        self.groups = groups
        index()
        // What looks like a message may be an enum.
        for group in groups.indices {
            for file in groups[group].files.indices {
                for type in groups[group].files[file].types.indices {
                    for field in groups[group].files[file].types[type].fields.indices {
                        let known: FieldType = groups[group].files[file].types[type].fields[field].type
                        self.groups[group].files[file].types[type].fields[field].type = try resolved(known)
                    }
                }
            }
        }
        index()
    }

    private mutating func index() {
        for group in groups {
            for type in group.types { types[group.stem + "." + type.name] = (group.module, type) }
        }
    }

    private func resolved(_ type: FieldType) throws(Failure) -> FieldType {
        switch type {
        case .message(let key):
            guard let known = types[key] else { throw Failure("unknown type \(key)") }
            return known.description.cases == nil ? type : .enumeration(key)
        case .list(let element): return .list(try resolved(element))
        case .map(let element): return .map(try resolved(element))
        default: return type
        }
    }

    func description(_ key: String) -> TypeDescription? {
        types[key]?.description
    }

    func module(_ key: String) -> String {
        types[key]?.module ?? ""
    }

    /// The Swift name of a message as `module` sees it. Names of APIMachinery are never shared, others may be.
    func swiftName(_ key: String, in module: String) -> String {
        guard let known = types[key] else { return key }
        if known.module == module || known.module == "APIMachinery" { return known.description.swiftName }
        return known.module + "." + known.description.swiftName
    }

    /// The Swift type of a value of this type, without regard to pointers.
    func swiftType(_ type: FieldType, in module: String) -> String {
        switch type {
        case .string: return "String"
        case .bool: return "Bool"
        case .int32, .int64, .uint32: return "Int"
        case .uint64: return "UInt64"
        case .double: return "Double"
        case .bytes: return "[UInt8]"
        case .quantity: return "Quantity"
        case .intOrString: return "IntOrString"
        case .time: return "Time"
        case .microTime: return "MicroTime"
        case .rawExtension: return "JSONValue"
        case .fieldsV1: return "FieldsV1"
        case .message(let key), .enumeration(let key): return swiftName(key, in: module)
        case .list(let element): return "[" + swiftType(element, in: module) + "]"
        case .map(let element): return "StringMap<" + swiftType(element, in: module) + ">"
        }
    }

    // MARK: - Layout

    /// Larger messages are stored behind a reference.
    private static let largestInline = 64

    struct Size {
        var bytes: Int
        /// A bit pattern is left over that an optional can use for nil.
        var hasSpare: Bool

        /// The size as an optional.
        var optional: Size { Size(bytes: hasSpare ? bytes : bytes + 1, hasSpare: true) }
    }

    /// Whether a message field is stored in a `Boxed`.
    func isBoxed(_ field: Field, in group: Group) -> Bool {
        guard !group.isWireOnly, case .message(let key) = field.type else { return false }
        guard let size = size(key, within: []) else { return true }
        return size.bytes > Self.largestInline
    }

    /// The size of a message; nil if it contains itself.
    private func size(_ key: String, within outer: [String]) -> Size? {
        guard !outer.contains(key), let type = description(key) else { return nil }
        var total = Size(bytes: 0, hasSpare: false)
        for field in type.fields {
            let part: Size = size(field, within: outer + [key])
            let alignment: Int = part.bytes >= 8 ? 8 : 1
            total.bytes = (total.bytes + alignment - 1) / alignment * alignment + part.bytes
            total.hasSpare = total.hasSpare || part.hasSpare
        }
        return total
    }

    private func size(_ field: Field, within outer: [String]) -> Size {
        let pointer = Size(bytes: 8, hasSpare: true)
        var size: Size
        switch field.type {
        case .string: size = Size(bytes: 16, hasSpare: true)
        case .bool: size = Size(bytes: 1, hasSpare: true)
        case .int32, .int64, .uint32, .uint64, .double, .time, .microTime, .enumeration:
            size = Size(bytes: 8, hasSpare: false)
        case .quantity: size = Size(bytes: 32, hasSpare: true)
        case .intOrString: size = Size(bytes: 17, hasSpare: true)
        case .rawExtension: size = Size(bytes: 17, hasSpare: true)
        case .bytes, .list, .map, .fieldsV1: size = pointer
        case .message(let key):
            guard let inline = self.size(key, within: outer) else { return pointer }
            size = inline
            if (field.isPointer ? size.optional : size).bytes > Self.largestInline { return pointer }
        }
        return field.isPointer || field.type.isAlwaysOptional ? size.optional : size
    }
}
