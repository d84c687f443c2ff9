/// A table as it shall be, whole. The difference between two is a transaction. For tables that are small, or change
/// seldom: it is compared as a whole.
package struct TableState: Sendable, Equatable {
    package struct Chain: Sendable, Equatable {
        package var hook: Hook?
        package var rules: [[Expression]]

        package init(hook: Hook? = nil, rules: [[Expression]] = []) {
            self.hook = hook
            self.rules = rules
        }
    }

    package struct Content: Sendable, Equatable {
        package var definition: SetDefinition
        package var elements: [[UInt8]: SetElement.Value]

        package init(_ definition: SetDefinition, _ elements: [[UInt8]: SetElement.Value] = [:]) {
            self.definition = definition
            self.elements = elements
        }
    }

    package var chains: [String: Chain] = [:]
    package var sets: [String: Content] = [:]

    package init() {}

    package var isEmpty: Bool { chains.isEmpty && sets.isEmpty }

    /// What must be done in the kernel, where `old` is (nil: nobody knows what).
    package func changes(from old: TableState?, in table: Table) -> TableTransaction {
        var result = TableTransaction()
        guard let old else {
            result.replace(table)
            if isEmpty {
                result.append(.deleteTable, in: table)
            } else {
                result.append(changes(from: TableState(), in: table))
            }
            return result
        }
        if self == old { return result }
        if isEmpty {
            result.append(.deleteTable, in: table)
            return result
        }
        if old.isEmpty { result.append(.addTable, in: table) }
        appendNew(old, table, &result)
        appendElements(old, table, &result, adding: false)
        for (name, chain) in sorted(chains) where old.chains[name]?.rules != chain.rules {
            if old.chains[name] != nil { result.append(.flushChain(name), in: table) }
            for rule in chain.rules { result.append(.addRule(chain: name, rule, comment: ""), in: table) }
        }
        appendElements(old, table, &result, adding: true)
        let goingChains: [String] = old.chains.keys.filter { chains[$0] == nil }.sorted()
        for name in goingChains { result.append(.flushChain(name), in: table) }
        for name in goingChains { result.append(.deleteChain(name), in: table) }
        for name in old.sets.keys.sorted() where sets[name] == nil { result.append(.deleteSet(name), in: table) }
        return result
    }

    private func sorted<Value>(_ values: [String: Value]) -> [(key: String, value: Value)] {
        values.sorted { $0.key < $1.key }
    }

    private func appendNew(_ old: TableState, _ table: Table, _ result: inout TableTransaction) {
        for (name, set) in sorted(sets) {
            precondition(
                old.sets[name].map { $0.definition == set.definition } ?? true, "a set does not change its type")
            if old.sets[name] == nil { result.append(.addSet(set.definition), in: table) }
        }
        for (name, chain) in sorted(chains) where old.chains[name] == nil {
            result.append(.addChain(name, chain.hook), in: table)
        }
    }

    /// Deletes what is gone or another now, or adds what is new or another now.
    private func appendElements(_ old: TableState, _ table: Table, _ result: inout TableTransaction, adding: Bool) {
        for (name, set) in sorted(sets) {
            let before: [[UInt8]: SetElement.Value] = old.sets[name]?.elements ?? [:]
            if before == set.elements { continue }
            let (from, to) = adding ? (before, set.elements) : (set.elements, before)
            let changed: [SetElement] = to.filter { from[$0.key] != $0.value }
                .map { SetElement($0.key, adding ? $0.value : .nothing) }
                .sorted { $0.key.lexicographicallyPrecedes($1.key) }
            result.append(
                adding ? .addElements(set: name, changed) : .deleteElements(set: name, changed), in: table)
        }
    }
}
