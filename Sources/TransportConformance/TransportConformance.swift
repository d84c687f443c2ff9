package import APIMachinery
import Client

/// What every `Transport` must do, in the same way: run by the API server's tests in process and over HTTP.
///
/// Needs a server with the namespace `default` and nothing in it called `conformance-…`, and an identity that
/// may do all to
/// ConfigMaps and Pods. Each check cleans up after itself, and throws a `Violation` that says what was wrong.
package struct TransportConformance: Sendable {
    package struct Violation: Error, CustomStringConvertible {
        package var description: String
    }

    package struct Check: Sendable, CustomStringConvertible {
        package var name: String
        package var run: @Sendable (TransportConformance) async throws -> Void
        package var description: String { name }
    }

    let client: APIClient
    /// Distinguishes the objects of one run.
    let prefix: String

    package init(_ transport: any Transport, run: String = "a") {
        client = APIClient(transport)
        prefix = "conformance-" + run
    }

    /// All checks; `try await check.run(conformance)`.
    package static let checks: [Check] = [
        Check(name: "a created object comes back with what the server filled in") { try await $0.createAndGet() },
        Check(name: "failures carry upstream's reason, code and message") { try await $0.failures() },
        Check(name: "an update with an old revision is a conflict") { try await $0.conflict() },
        Check(name: "the three kinds of patch apply") { try await $0.patches() },
        Check(name: "lists select, page and show one revision") { try await $0.lists() },
        Check(name: "a watch shows each change once, in order") { try await $0.watch() },
        Check(name: "a watch from a revision shows only what came after") { try await $0.watchFrom() },
        Check(name: "a watch ends when its reader leaves or its time is up") { try await $0.watchEnds() },
        Check(name: "a dry run changes nothing") { try await $0.dryRun() },
        Check(name: "collections are deleted by selector") { try await $0.deleteCollection() },
        Check(name: "cancelled callers are not kept waiting") { try await $0.cancellation() },
        Check(name: "an informer over it converges") { try await $0.informer() },
    ]

    func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(Violation) {
        if !condition { throw Violation(description: what()) }
    }

    /// The error that `body` must throw.
    func failure(_ what: String, _ body: () async throws(StatusError) -> Void) async throws(Violation) -> StatusError {
        do throws(StatusError) {
            try await body()
        } catch {
            return error
        }
        throw Violation(description: what + " should fail")
    }
}
