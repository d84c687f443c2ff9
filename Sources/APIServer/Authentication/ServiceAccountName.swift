/// A service account, and the user that it is.
package struct ServiceAccountName: Sendable, Equatable {
    package static let userPrefix: String = "system:serviceaccount:"
    package static let allGroup: String = "system:serviceaccounts"

    package var namespace: String
    package var name: String

    package init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// Nil if the user is no service account.
    package init?(userName: String) {
        guard userName.hasPrefix(Self.userPrefix) else { return nil }
        let parts: [Substring] = userName.dropFirst(Self.userPrefix.utf8.count)
            .split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(String(parts[0]), String(parts[1]))
    }

    package var userName: String { Self.userPrefix + namespace + ":" + name }
    package var groups: [String] { [Self.allGroup, Self.allGroup + ":" + namespace] }
}
