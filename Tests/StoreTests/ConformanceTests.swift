import Store
import StoreConformance
import Testing

@Suite(.timeLimit(.minutes(5)))
struct EmbeddedStoreConformanceTests {
    @Test(arguments: StoreConformance.all)
    func `the embedded store conforms`(_ check: StoreConformance.Check) async throws {
        let directory = try TestDirectory()
        let store = try await EmbeddedStore.open(directory.configuration)
        try await check.run(store)
        await store.close()
    }

    /// Reads of the past and watches then come from disk.
    @Test(arguments: StoreConformance.all)
    func `the embedded store conforms without a memory window`(_ check: StoreConformance.Check) async throws {
        let directory = try TestDirectory()
        var configuration = directory.configuration
        configuration.windowEvents = 1
        let store = try await EmbeddedStore.open(configuration)
        try await check.run(store)
        await store.close()
    }
}
