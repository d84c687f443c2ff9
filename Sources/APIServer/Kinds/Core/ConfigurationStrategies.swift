import APICore
import APIDefaults
import APIMachinery
import APIValidation
import Codec

/// ConfigMaps, Secrets and ServiceAccounts.
enum ConfigurationKinds {
    static let configMaps = PlainStrategy<ConfigMap>(
        ResourceInfo(ConfigMap.gvk, resource: "configmaps", shortNames: ["cm"], namespaced: true),
        table: TableDefinition([.name, TableColumn("Data"), .age]) { object, now in
            [
                .string(object.metadata.name), CellText.int(object.data.count + object.binaryData.count),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let secrets = PlainStrategy<Secret>(
        ResourceInfo(Secret.gvk, resource: "secrets", namespaced: true),
        table: TableDefinition([.name, TableColumn("Type"), TableColumn("Data"), .age]) { object, now in
            [
                .string(object.metadata.name), .string(object.type), CellText.int(object.data.count),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.fields = (["type"], { [$0.type] })
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let serviceAccounts = PlainStrategy<ServiceAccount>(
        ResourceInfo(
            ServiceAccount.gvk, resource: "serviceaccounts", shortNames: ["sa"], namespaced: true,
            subresources: [
                ResourceInfo.Subresource(
                    "token",
                    gvk: GroupVersionKind(group: "authentication.k8s.io", version: "v1", kind: "TokenRequest"),
                    verbs: ["create"])
            ]),
        table: TableDefinition([.name, TableColumn("Secrets"), .age]) { object, now in
            [.string(object.metadata.name), CellText.int(object.secrets.count), CellText.age(object.metadata, now)]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.warn = { object, old in
            let key: String = "kubernetes.io/enforce-mountable-secrets"
            guard object.metadata.annotations[key] != nil, old?.metadata.annotations[key] == nil else { return [] }
            return [
                "metadata.annotations[\(key)]: deprecated in v1.32+; prefer separate namespaces to isolate access to "
                    + "mounted secrets"
            ]
        }
    }
}
