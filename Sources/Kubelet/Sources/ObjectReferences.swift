package import API
package import Client

/// One object that a pod of this node uses.
package struct ObjectReferenceKey: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case configMap, secret
    }

    package var kind: Kind
    package var object: ObjectKey

    package init(_ kind: Kind, _ namespace: String, _ name: String) {
        self.kind = kind
        object = ObjectKey(namespace, name)
    }
}

extension Pod {
    /// All config maps and secrets that the pod names: what a node may read on its behalf.
    package var objectReferences: Set<ObjectReferenceKey> {
        var found: Set<ObjectReferenceKey> = []
        let namespace: String = metadata.namespace
        func add(_ kind: ObjectReferenceKey.Kind, _ name: String?) {
            if let name, !name.isEmpty { found.insert(ObjectReferenceKey(kind, namespace, name)) }
        }
        for secret in spec.imagePullSecrets { add(.secret, secret.name) }
        let plain = spec.initContainers + spec.containers
        let sources = plain.map { ($0.envFrom, $0.env) } + spec.ephemeralContainers.map { ($0.envFrom, $0.env) }
        for (whole, single) in sources {
            for source in whole {
                add(.configMap, source.configMapRef?.name)
                add(.secret, source.secretRef?.name)
            }
            for variable in single {
                add(.configMap, variable.valueFrom?.configMapKeyRef?.name)
                add(.secret, variable.valueFrom?.secretKeyRef?.name)
            }
        }
        for volume in spec.volumes {
            add(.configMap, volume.configMap?.name)
            add(.secret, volume.secret?.secretName)
            for source in volume.projected?.sources ?? [] {
                add(.configMap, source.configMap?.name)
                add(.secret, source.secret?.name)
            }
        }
        return found
    }
}
