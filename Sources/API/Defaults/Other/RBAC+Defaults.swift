import APIMachinery
package import APIRBAC
import Codec

extension RoleRef {
    fileprivate mutating func setDefaults() {
        if apiGroup.isEmpty { apiGroup = Subject.group }
    }
}

extension Subject {
    static let group = "rbac.authorization.k8s.io"

    fileprivate mutating func setDefaults() {
        if apiGroup.isEmpty, kind == "User" || kind == "Group" { apiGroup = Self.group }
    }
}

extension RoleBinding {
    package mutating func setDefaults() {
        roleRef.setDefaults()
        for index in subjects.indices { subjects[index].setDefaults() }
    }
}

extension ClusterRoleBinding {
    package mutating func setDefaults() {
        roleRef.setDefaults()
        for index in subjects.indices { subjects[index].setDefaults() }
    }
}
