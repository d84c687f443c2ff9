package import APICore

extension Toleration {
    /// Whether a taint with this toleration does no harm, by upstream's rules: an empty effect matches all effects, an
    /// empty key all keys, an empty operator is `Equal`. (Validation sees to it that an empty key comes with `Exists`.)
    package func tolerates(_ taint: Taint) -> Bool {
        if !effect.isEmpty && effect != taint.effect { return false }
        if !key.isEmpty && key != taint.key { return false }
        switch `operator` {
        case "", "Equal": return value == taint.value
        case "Exists": return true
        default: return false
        }
    }
}
