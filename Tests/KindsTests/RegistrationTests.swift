import APIMachinery
import APIServer
import Codec
import Testing

/// What must hold for every kind.
struct RegistrationTests {
    @Test func `every kind is served once, and its table and selectors have a value for each name`() {
        let strategies: [any ResourceStrategy] = KindRegistrations.all()
        #expect(strategies.count == 58)
        var seen: Set<GroupVersionResource> = []
        var prefixes: Set<String> = []
        for strategy in strategies {
            #expect(seen.insert(strategy.info.gvr).inserted, "\(strategy.info.gvr) twice")
            // Two versions of events, and of autoscalers, share their place.
            if strategy.isStorageVersion { #expect(prefixes.insert(strategy.info.storagePrefix).inserted) }
            checkShape(strategy)
        }
    }

    private func checkShape<Strategy: ResourceStrategy>(_ strategy: Strategy) {
        let name: String = "\(strategy.info.gvr)"
        var object = Strategy.Object()
        object.metadata.name = "example"
        let table: TableDefinition<Strategy.Object> = strategy.table
        #expect(table.cells(object, Time(seconds: 0)).count == table.columns.count, "\(name)")
        #expect(strategy.selectableValues(object).count == strategy.selectableFields.count, "\(name)")
        #expect(strategy.info.gvk == Strategy.Object.gvk, "\(name)")
        #expect(strategy.info.verbs.map { $0.rawValue } == strategy.info.verbs.map { $0.rawValue }.sorted(), "\(name)")
        let subresources: [String] = strategy.info.subresources.map { $0.name }
        #expect(subresources == subresources.sorted(), "\(name)")
        #expect(subresources.contains("scale") == (strategy.scale != nil), "\(name)")
    }

    @Test func `defaults of defaults are the same, and survive the store`() throws {
        for strategy in KindRegistrations.all() { try checkDefaults(strategy) }
    }

    private func checkDefaults<Strategy: ResourceStrategy>(_ strategy: Strategy) throws {
        var object: Strategy.Object = strategy.created(Strategy.Object.with { $0.metadata.name = "example" })
        let once: Strategy.Object = object
        strategy.setDefaults(&object)
        #expect(object == once, "\(strategy.info.gvr)")
        let read: Strategy.Object = try JSONReader.decode(Strategy.Object.self, from: object.jsonBytes)
        #expect(read == object, "\(strategy.info.gvr)")
    }

    @Test func `an update that changes nothing changes nothing`() {
        for strategy in KindRegistrations.all() { checkIdleUpdate(strategy) }
    }

    private func checkIdleUpdate<Strategy: ResourceStrategy>(_ strategy: Strategy) {
        let old: Strategy.Object = strategy.created(Strategy.Object.with { $0.metadata.name = "example" })
        #expect(strategy.updated(old, from: old) == old, "\(strategy.info.gvr)")
        var status: Strategy.Object = old
        strategy.prepareForStatusUpdate(&status, old: old, context: .test(subresource: "status"))
        #expect(status == old, "\(strategy.info.gvr)")
    }
}
