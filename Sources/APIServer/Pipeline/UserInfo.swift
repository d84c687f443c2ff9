package import Codec

/// Who acts.
package struct UserInfo: Sendable, Equatable {
    package var name: String
    package var uid: String
    package var groups: [String]
    package var extra: StringMap<[String]>

    package init(name: String, uid: String = "", groups: [String] = [], extra: StringMap<[String]> = [:]) {
        self.name = name
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }

    package static let anonymousName: String = "system:anonymous"
    package static let authenticatedGroup: String = "system:authenticated"
    package static let unauthenticatedGroup: String = "system:unauthenticated"
    package static let mastersGroup: String = "system:masters"

    /// Whoever shows no credentials.
    package static let anonymous = UserInfo(name: anonymousName, groups: [unauthenticatedGroup])

    /// The server itself.
    package static let apiServer = UserInfo(name: "system:apiserver", groups: [mastersGroup, authenticatedGroup])

    /// With `system:authenticated` among its groups, as every authenticated user has it.
    package func authenticated() -> UserInfo {
        if groups.contains(Self.authenticatedGroup) { return self }
        var user: UserInfo = self
        user.groups.append(Self.authenticatedGroup)
        return user
    }
}
