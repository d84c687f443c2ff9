/// The kernel, as those see it who write rules. Calls come one at a time.
package protocol PacketRules: Sendable {
    func apply(_ transaction: TableTransaction) async throws(PacketRulesError)
    /// Whether a table is still there; somebody may have flushed all rules.
    func isPresent(_ table: Table) async -> Bool
    /// Forgets tracked connections that lead where they should not any more; returns how many.
    func removeConnections(where isStale: @escaping @Sendable (TrackedConnection) -> Bool)
        async throws(PacketRulesError) -> Int
}

package struct PacketRulesError: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}
