package import API
package import APIMachinery

/// Objects that containers take values from. Answered from caches where they are fresh, else from the API server.
package protocol ObjectSources: Sendable {
    /// `isNotFound`: the API server says that there is none.
    func configMap(namespace: String, name: String) async throws(StatusError) -> ConfigMap
    /// As `configMap`.
    func secret(namespace: String, name: String) async throws(StatusError) -> Secret
    /// All services of the namespace. Fails when they were never read.
    func services(namespace: String) async throws(StatusError) -> [Service]
}
