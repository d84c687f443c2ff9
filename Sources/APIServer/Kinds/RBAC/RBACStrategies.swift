import APIDefaults
import APIMachinery
import APIRBAC
import APIValidation
import Codec

/// Roles and bindings. Names are path segments, and updates create what is missing.
enum RBACKinds {
    static let roles = PlainStrategy<Role>(
        ResourceInfo(Role.gvk, resource: "roles", namespaced: true), table: .nameAndAge()
    ) { strategy in
        strategy.nameRule = .pathSegment
        strategy.allowsCreateOnUpdate = true
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { object, _ in object.validate() }
    }

    static let clusterRoles = PlainStrategy<ClusterRole>(
        ResourceInfo(ClusterRole.gvk, resource: "clusterroles", namespaced: false), table: .nameAndAge()
    ) { strategy in
        strategy.nameRule = .pathSegment
        strategy.allowsCreateOnUpdate = true
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { object, _ in object.validate() }
    }

    static let roleBindings = PlainStrategy<RoleBinding>(
        ResourceInfo(RoleBinding.gvk, resource: "rolebindings", namespaced: true),
        table: table { ($0.roleRef, $0.subjects) }
    ) { strategy in
        strategy.nameRule = .pathSegment
        strategy.allowsCreateOnUpdate = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    static let clusterRoleBindings = PlainStrategy<ClusterRoleBinding>(
        ResourceInfo(ClusterRoleBinding.gvk, resource: "clusterrolebindings", namespaced: false),
        table: table { ($0.roleRef, $0.subjects) }
    ) { strategy in
        strategy.nameRule = .pathSegment
        strategy.allowsCreateOnUpdate = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    private static func table<Object: APIObject>(_ parts: @escaping @Sendable (Object) -> (RoleRef, [Subject]))
        -> TableDefinition<Object>
    {
        TableDefinition([
            .name, TableColumn("Role"), .age, TableColumn("Users", priority: 1), TableColumn("Groups", priority: 1),
            TableColumn("ServiceAccounts", priority: 1),
        ]) { object, now in
            let (role, subjects): (RoleRef, [Subject]) = parts(object)
            func names(_ kind: String) -> JSONValue {
                let found: [Subject] = subjects.filter { $0.kind == kind }
                let texts: [String] = found.map { kind == "ServiceAccount" ? $0.namespace + "/" + $0.name : $0.name }
                return .string(texts.joined(separator: ", "))
            }
            return [
                .string(object.metadata.name), .string(role.kind + "/" + role.name), CellText.age(object.metadata, now),
                names("User"), names("Group"), names("ServiceAccount"),
            ]
        }
    }
}
