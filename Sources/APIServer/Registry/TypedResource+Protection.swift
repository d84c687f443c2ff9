import APIMachinery
import Store

extension TypedResource {
    /// The stored value in plain, whoever wrote it.
    func opened(_ stored: KeyValue) throws(StoreError) -> KeyValue {
        guard let protection else { return stored }
        do throws(ValueProtectionError) {
            var plain: KeyValue = stored
            plain.value = try protection.open(stored.value, key: stored.key).value
            return plain
        } catch {
            throw .unavailable("failed to read \(String(decoding: stored.key, as: UTF8.self)): \(error.message)")
        }
    }

    /// The transaction with its values as they go to the store.
    func sealed(_ transaction: Transaction) throws(StoreError) -> Transaction {
        guard let protection else { return transaction }
        var sealed: Transaction = transaction
        for (index, write) in transaction.writes.enumerated() {
            guard case .put(let key, let value, let lease) = write else { continue }
            do throws(ValueProtectionError) {
                sealed.writes[index] = .put(key, value: try protection.seal(value, key: key), lease: lease)
            } catch {
                throw .unavailable("failed to write \(String(decoding: key, as: UTF8.self)): \(error.message)")
            }
        }
        return sealed
    }

    /// Whether a write that changes nothing is to be done all the same, because what is stored is of an old key.
    func isStale(_ key: [UInt8], at revision: Revision, _ services: ServerServices) async throws(StatusError) -> Bool {
        guard let protection else { return false }
        do throws(StoreError) {
            guard let stored = try await services.store.get(key, at: nil), stored.modRevision == revision else {
                // Somebody else was faster; the commit's compare will tell.
                return true
            }
            do throws(ValueProtectionError) {
                return try protection.open(stored.value, key: key).isStale
            } catch {
                throw StoreError.unavailable(
                    "failed to read \(String(decoding: key, as: UTF8.self)): \(error.message)")
            }
        } catch {
            throw error.statusError
        }
    }
}
