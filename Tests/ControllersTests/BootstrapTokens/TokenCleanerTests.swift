import API
import APIMachinery
import Client
import Controllers
import Testing

@Suite struct TokenCleanerTests {
    private let cluster = SimulatedCluster()

    private func token(_ name: String, expires: String?, type: String = TokenCleaner.secretType) {
        cluster.put(
            Secret.with {
                $0.metadata.name = name
                $0.metadata.namespace = "kube-system"
                $0.type = type
                if let expires { $0.data["expiration"] = Array(expires.utf8) }
            })
    }

    @Test func `tokens go when their time is over, and are looked at again until then`() {
        token("old", expires: cluster.now.adding(seconds: -1).description)
        token("odd", expires: "tomorrow")
        token("new", expires: cluster.now.adding(seconds: 90).description)
        token("everlasting", expires: nil)
        token("other", expires: cluster.now.adding(seconds: -1).description, type: "Opaque")
        let cleaner = TokenCleaner(secrets: cluster.cache(Secret.self))
        func ask(_ name: String) -> Reconciliation {
            cleaner.reconcile(ObjectKey("kube-system", name), now: cluster.now)
        }
        #expect(ask("old").writes.count == 1)
        #expect(ask("odd").writes.count == 1)
        #expect(ask("new").writes.isEmpty)
        #expect(ask("new").requeueAfter == .seconds(90))
        for name in ["everlasting", "other", "missing"] {
            #expect(ask(name).writes.isEmpty)
            #expect(ask(name).requeueAfter == nil)
        }
    }
}
