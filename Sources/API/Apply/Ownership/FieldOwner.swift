package import APIMachinery
import Codec

/// Who owns fields: one entry of `metadata.managedFields`, without its fields and its time.
package struct FieldOwner: Sendable, Hashable {
    package enum Operation: String, Sendable {
        case apply = "Apply"
        case update = "Update"
    }

    package var manager: String
    package var operation: Operation
    /// The group and version that was written. An applier is the same in all versions.
    package var apiVersion: String
    package var subresource: String

    package init(_ manager: String, _ operation: Operation, apiVersion: String, subresource: String = "") {
        self.manager = manager.isEmpty ? "unknown" : manager
        self.operation = operation
        self.apiVersion = apiVersion
        self.subresource = subresource
    }

    package static func == (left: FieldOwner, right: FieldOwner) -> Bool {
        left.manager == right.manager && left.operation == right.operation && left.subresource == right.subresource
            && (left.operation == .apply || left.apiVersion == right.apiVersion)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(manager)
        hasher.combine(operation)
        hasher.combine(subresource)
    }

    /// As upstream names it in messages: `"kubectl" with subresource "scale" using apps/v1`.
    package var description: String {
        var text: String = JSONValue.string(manager).description
        if !subresource.isEmpty { text += " with subresource " + JSONValue.string(subresource).description }
        return operation == .update ? text + " using " + apiVersion : text
    }

    /// Upstream's order of owners: that of their JSON.
    func precedes(_ other: FieldOwner) -> Bool {
        for (left, right) in [
            (manager, other.manager), (operation.rawValue, other.operation.rawValue), (apiVersion, other.apiVersion),
        ] where left != right { return left.byteOrder(right) < 0 }
        return subresource.byteOrder(other.subresource) < 0
    }

    /// The longest name that the server makes of a user agent; the longest that a client may give.
    package static let longestName: Int = 128

    /// What upstream takes for the manager where the client does not say: the user agent up to its first slash, what can
    /// be printed of it.
    package static func manager(userAgent: String) -> String {
        let prefix: Substring.UTF8View = userAgent.utf8.prefix { $0 != UInt8(ascii: "/") }
        if prefix.count <= longestName, prefix.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            return String(Substring(prefix))
        }
        var name: String = ""
        for scalar in userAgent.unicodeScalars.prefix(while: { $0 != "/" }) where isPrintable(scalar) {
            if name.utf8.count + String(scalar).utf8.count > longestName { break }
            name.unicodeScalars.append(scalar)
        }
        return name
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == " " { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }
}

/// What one owner owns, since when.
package struct OwnedFields: Sendable {
    package var owner: FieldOwner
    package var time: Time?
    package var fields: FieldSet
    /// The stored form of `fields`, as long as they are what was read.
    var encoded: FieldsV1?

    package init(_ owner: FieldOwner, time: Time?, _ fields: FieldSet) {
        self.owner = owner
        self.time = time
        self.fields = fields
    }

    mutating func setFields(_ new: FieldSet) {
        if new == fields { return }
        fields = new
        encoded = nil
    }
}

/// Why `metadata.managedFields` cannot be understood; upstream's texts.
package struct ManagedFieldsProblem: Error, Equatable {
    package var text: String
}
