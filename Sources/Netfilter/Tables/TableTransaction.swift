/// Changes that the kernel makes all at once, or not at all.
package struct TableTransaction: Sendable, Equatable {
    package enum Operation: Sendable, Equatable {
        /// Does nothing when it is there already.
        case addTable
        case deleteTable
        case addChain(String, Hook?)
        case deleteChain(String)
        /// Takes all rules out of a chain.
        case flushChain(String)
        case addRule(chain: String, [Expression], comment: String)
        case addSet(SetDefinition)
        case deleteSet(String)
        case addElements(set: String, [SetElement])
        case deleteElements(set: String, [SetElement])
    }

    package struct Step: Sendable, Equatable {
        package var table: Table
        package var operation: Operation
    }

    package private(set) var steps: [Step] = []

    package init() {}

    package var isEmpty: Bool { steps.isEmpty }

    package mutating func append(_ operation: Operation, in table: Table) {
        switch operation {
        case .addElements(_, let elements), .deleteElements(_, let elements):
            if elements.isEmpty { return }
        default: break
        }
        steps.append(Step(table: table, operation: operation))
    }

    package mutating func append(_ other: TableTransaction) { steps += other.steps }

    /// Puts an empty table in the place of whatever is there under that name.
    package mutating func replace(_ table: Table) {
        append(.addTable, in: table)
        append(.deleteTable, in: table)
        append(.addTable, in: table)
    }

    /// How many elements are added or deleted.
    package var elementCount: Int {
        steps.reduce(0) { count, step in
            switch step.operation {
            case .addElements(_, let elements), .deleteElements(_, let elements): count + elements.count
            default: count
            }
        }
    }

    // MARK: - For the kernel

    /// A batch, and what each sequence number in it stands for.
    package struct Encoded: Sendable {
        package var bytes: [UInt8]
        package var firstSequence: UInt32
        /// The index of the step that each message belongs to.
        package var stepOfMessage: [Int]

        package func step(_ sequence: UInt32) -> Int? {
            let index: Int = Int(sequence) - Int(firstSequence) - 1
            return stepOfMessage.indices.contains(index) ? stepOfMessage[index] : nil
        }
    }

    /// `NFNL_SUBSYS_NFTABLES`
    private static let subsystem: UInt16 = 10
    /// An attribute cannot be longer than 64 KB: longer lists of elements take several messages.
    private static let elementsBytes: Int = 48_000

    package func encoded(firstSequence: UInt32) -> Encoded {
        var writer = NetlinkWriter(capacity: 1024 + elementCount * 100)
        var sequence: UInt32 = firstSequence
        var owners: [Int] = []
        var last: Int = 0
        writer.message(type: 0x10, flags: [.request], sequence: sequence, family: 0, resource: Self.subsystem) { _ in }
        for (index, step) in steps.enumerated() {
            for part in Self.parts(step.operation) {
                sequence += 1
                owners.append(index)
                last = writer.bytes.count
                Self.write(part, step.table, sequence, &writer)
            }
        }
        if !owners.isEmpty { writer.addFlags([.acknowledge], at: last) }
        sequence += 1
        writer.message(type: 0x11, flags: [.request], sequence: sequence, family: 0, resource: Self.subsystem) { _ in }
        return Encoded(bytes: writer.bytes, firstSequence: firstSequence, stepOfMessage: owners)
    }

    /// Asks for a table; the answer is a message, or an error if there is none.
    package static func question(_ table: Table, sequence: UInt32) -> [UInt8] {
        var writer = NetlinkWriter()
        writer.message(type: subsystem << 8 | 1, flags: [.request], sequence: sequence, family: table.family.rawValue) {
            $0.attribute(1, table.name)
        }
        return writer.bytes
    }

    private static func parts(_ operation: Operation) -> [Operation] {
        switch operation {
        case .addElements(let set, let elements):
            chunks(elements).map { .addElements(set: set, Array($0)) }
        case .deleteElements(let set, let elements):
            chunks(elements).map { .deleteElements(set: set, Array($0)) }
        default:
            [operation]
        }
    }

    private static func chunks(_ elements: [SetElement]) -> [ArraySlice<SetElement>] {
        var result: [ArraySlice<SetElement>] = []
        var start: Int = 0
        var size: Int = 0
        for (index, element) in elements.enumerated() {
            size += 64 + element.key.count * 2
            if case .verdict(let verdict) = element.value { size += 16 + (verdict.chain?.utf8.count ?? 0) }
            if size > elementsBytes {
                result.append(elements[start...index])
                start = index + 1
                size = 0
            }
        }
        if start < elements.count { result.append(elements[start...]) }
        return result
    }

    private static func write(_ operation: Operation, _ table: Table, _ sequence: UInt32, _ writer: inout NetlinkWriter)
    {
        let (message, flags): (UInt16, NetlinkWriter.Flags) =
            switch operation {
            case .addTable: (0, [.request, .create])
            case .deleteTable: (2, [.request])
            case .addChain: (3, [.request, .create])
            case .deleteChain: (5, [.request])
            case .addRule: (6, [.request, .create, .append])
            case .flushChain: (8, [.request])
            case .addSet: (9, [.request, .create])
            case .deleteSet: (11, [.request])
            case .addElements: (12, [.request, .create])
            case .deleteElements: (14, [.request])
            }
        writer.message(
            type: subsystem << 8 | message, flags: flags, sequence: sequence, family: table.family.rawValue
        ) { body in
            body.attribute(1, table.name)
            write(operation, sequence, &body)
        }
    }

    private static func write(_ operation: Operation, _ sequence: UInt32, _ body: inout NetlinkWriter) {
        switch operation {
        case .addTable, .deleteTable:
            break
        case .addChain(let name, let hook):
            body.attribute(3, name)
            guard let hook else { return }
            body.nested(4) { part in
                part.attribute(1, hook.point.rawValue)
                part.attribute(2, UInt32(bitPattern: hook.priority))
            }
            body.attribute(5, UInt32(1))
            body.attribute(7, hook.kind.rawValue)
        case .deleteChain(let name):
            body.attribute(3, name)
        case .flushChain(let chain):
            body.attribute(2, chain)
        case .addRule(let chain, let expressions, let comment):
            body.attribute(2, chain)
            body.nested(4) { list in for expression in expressions { expression.write(&list) } }
            if !comment.isEmpty {
                let text: [UInt8] = Array(comment.utf8.prefix(120)) + [0]
                body.attribute(7, bytes: [0, UInt8(text.count)] + text)
            }
        case .addSet(let set):
            write(set, sequence, &body)
        case .deleteSet(let name):
            body.attribute(2, name)
        case .addElements(let set, let elements), .deleteElements(let set, let elements):
            body.attribute(2, set)
            body.nested(3) { list in for element in elements { write(element, &list) } }
        }
    }

    private static func write(_ set: SetDefinition, _ sequence: UInt32, _ body: inout NetlinkWriter) {
        body.attribute(2, set.name)
        body.attribute(3, set.flags)
        body.attribute(4, SetDefinition.type(set.key))
        body.attribute(5, SetDefinition.length(set.key))
        switch set.value {
        case .nothing: break
        case .fields(let fields):
            body.attribute(6, SetDefinition.type(fields))
            body.attribute(7, SetDefinition.length(fields))
        case .verdict:
            body.attribute(6, UInt32(0xffff_ff00))
            body.attribute(7, UInt32(16))
        }
        // What packets add to a set needs a bound.
        if set.isDynamic { body.nested(9) { $0.attribute(1, UInt32(1 << 20)) } }
        body.attribute(10, sequence)
    }

    private static func write(_ element: SetElement, _ list: inout NetlinkWriter) {
        list.nested(1) { item in
            item.nested(1) { $0.attribute(1, bytes: element.key) }
            switch element.value {
            case .nothing: break
            case .bytes(let bytes): item.nested(2) { $0.attribute(1, bytes: bytes) }
            case .verdict(let verdict): item.nested(2) { $0.write(verdict) }
            }
        }
    }
}
