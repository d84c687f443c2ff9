import APICore
import APIMachinery
import APIRules
import Codec

/// What one write takes from the quotas of its namespace: all of it, or nothing.
struct QuotaCharge: Sendable {
    let resource: GroupVersionResource
    let name: String
    let namespace: String
    /// More (or, with a minus, less) in use afterwards.
    let delta: StringMap<Quantity>
    /// The names of the quotas that it concerns.
    let quotas: [String]
    let dryRun: Bool

    /// The share of this quota.
    func share(of quota: ResourceQuota) -> StringMap<Quantity> {
        delta.filter { quota.status.hard.contains(key: $0.key) }
    }

    /// Why a quota has no room for it; nil if it has. What becomes less always fits.
    func refusal(by quota: ResourceQuota) -> StatusError? {
        var requested: [String] = []
        var used: [String] = []
        var limited: [String] = []
        for (name, amount) in share(of: quota) where amount.sign > 0 {
            let before: Quantity = quota.status.used[name] ?? Quantity()
            let hard: Quantity = quota.status.hard[name] ?? Quantity()
            guard before + amount > hard else { continue }
            requested.append("\(name)=\(amount)")
            used.append("\(name)=\(before)")
            limited.append("\(name)=\(hard)")
        }
        guard !requested.isEmpty else { return nil }
        return .forbidden(
            resource, self.name,
            "exceeded quota: \(quota.metadata.name), requested: \(requested.joined(separator: ",")), "
                + "used: \(used.joined(separator: ",")), limited: \(limited.joined(separator: ","))")
    }

    /// Writes it down in a quota's status.
    func enter(into quota: inout ResourceQuota) {
        quota.status.used.add(share(of: quota))
    }

    /// Takes it back.
    func withdraw(from quota: inout ResourceQuota) {
        quota.status.used.subtract(share(of: quota))
        for (name, amount) in quota.status.used where amount.sign < 0 { quota.status.used[name] = Quantity() }
    }
}
