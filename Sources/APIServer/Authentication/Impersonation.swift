package import APIMachinery
package import Codec

/// Whom a request wants to act as: the headers `Impersonate-User`, `-Uid`, `-Group` and `-Extra-…`.
package struct Impersonation: Sendable, Equatable {
    package var user: String = ""
    package var uid: String = ""
    package var groups: [String] = []
    /// Keys in lower case, unescaped.
    package var extra: StringMap<[String]> = [:]

    private static let extraPrefix: String = "impersonate-extra-"

    /// Reads headers, whose names may be in any case; nil if there is nothing of this.
    package init?(headers: some Sequence<(name: String, value: String)>) {
        for (name, value) in headers {
            let name: String = name.lowercased()
            guard name.hasPrefix("impersonate-") else { continue }
            switch name {
            case "impersonate-user": if user.isEmpty { user = value }
            case "impersonate-uid": if uid.isEmpty { uid = value }
            case "impersonate-group": groups.append(value)
            default:
                guard name.hasPrefix(Self.extraPrefix) else { continue }
                let key: String = Self.unescaped(name.dropFirst(Self.extraPrefix.utf8.count))
                extra[key] = (extra[key] ?? []) + [value]
            }
        }
        if user.isEmpty, uid.isEmpty, groups.isEmpty, extra.isEmpty { return nil }
    }

    /// Percent escapes are decoded; a malformed key stays as it is, as upstream has it.
    private static func unescaped(_ key: Substring) -> String {
        var bytes: [UInt8] = []
        var rest: Substring.UTF8View = key.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits: Substring.UTF8View.SubSequence = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                return String(key)
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }

    /// The user that the request goes on as, if `requester` may act as all of it; else 403. A wish for groups without
    /// a user is answered with 500, as upstream does.
    package func resolve(requester: UserInfo, authorizer: any Authorizer) throws(StatusError) -> UserInfo {
        guard !user.isEmpty else {
            throw .internalError("requested \(wishes) without impersonating a user")
        }
        var result = UserInfo(name: user, uid: uid, groups: groups, extra: extra)
        let account = ServiceAccountName(userName: user)
        if let account {
            try check(requester, authorizer, "serviceaccounts", namespace: account.namespace, name: account.name)
            if groups.isEmpty { result.groups = account.groups }
        } else {
            try check(requester, authorizer, "users", name: user)
        }
        for group in groups { try check(requester, authorizer, "groups", name: group) }
        let group: String = "authentication.k8s.io"
        for (key, values) in extra {
            for value in values {
                try check(requester, authorizer, "userextras", group: group, subresource: key, name: value)
            }
        }
        if !uid.isEmpty { try check(requester, authorizer, "uids", group: group, name: uid) }
        Self.completeGroups(&result)
        return result
    }

    /// As if the user had been authenticated, or not, in the usual way.
    private static func completeGroups(_ user: inout UserInfo) {
        let isComplete: Bool = user.groups.contains {
            $0 == UserInfo.authenticatedGroup || $0 == UserInfo.unauthenticatedGroup
        }
        guard !isComplete else { return }
        user.groups.append(
            user.name == UserInfo.anonymousName ? UserInfo.unauthenticatedGroup : UserInfo.authenticatedGroup)
    }

    private var wishes: String {
        var kinds: [String] = groups.map { "Group \($0)" }
        kinds += extra.map { "UserExtra \($0.key)" }
        if !uid.isEmpty { kinds.append("UID \(uid)") }
        return "[" + kinds.joined(separator: " ") + "]"
    }

    private func check(
        _ requester: UserInfo, _ authorizer: any Authorizer, _ resource: String, group: String = "",
        subresource: String = "", namespace: String = "", name: String
    ) throws(StatusError) {
        let attributes = AuthorizationAttributes(
            user: requester, verb: "impersonate", group: group, version: group.isEmpty ? "" : "v1",
            resource: resource, subresource: subresource, namespace: namespace, name: name)
        switch authorizer.authorize(attributes) {
        case .allow: return
        case .deny(let reason), .noOpinion(let reason): throw AuthorizationRefusal.error(attributes, reason)
        }
    }
}
