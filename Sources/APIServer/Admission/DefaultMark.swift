import APIMachinery
import Codec

/// Classes that an annotation makes the default.
enum DefaultMark {
    static func isSet(_ annotations: StringMap<String>, _ keys: [String]) -> Bool {
        keys.contains { annotations[$0] == "true" }
    }

    /// Of several the newest, of equally new ones the first by name.
    static func newest(_ candidates: [ObjectMeta]) -> ObjectMeta? {
        candidates.min { one, other in
            let first: Time = one.creationTimestamp ?? Time()
            let second: Time = other.creationTimestamp ?? Time()
            return first == second ? one.name < other.name : first > second
        }
    }
}
