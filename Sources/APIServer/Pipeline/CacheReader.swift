package import APIMachinery

/// A read-only view of the watch caches, for admission, authentication and authorization.
///
/// Never blocks. Shows what was committed up to a very recent revision; the own write of a request that was
/// answered is always visible. Kinds that are not served read as empty.
package protocol CacheReader: Sendable {
    func get<Object: APIObject>(_ type: Object.Type, namespace: String, name: String) -> Object?
    /// In the order of namespace and name; all namespaces if `namespace` is empty.
    func list<Object: APIObject>(_ type: Object.Type, namespace: String) -> [Object]
    /// A number that grows with each change of the resource: as long as it stays, what was derived stays valid.
    func changeNumber<Object: APIObject>(_ type: Object.Type) -> Int64
    /// Untyped: any served resource.
    func snapshot(_ resource: GroupVersionResource, namespace: String, name: String) -> Snapshot?
}
