package import Codec

/// JSON merge patch (RFC 7386).
package enum MergePatch {
    /// The patched document: members of objects are merged, `null` removes, everything else replaces.
    package static func apply(_ patch: JSONValue, to document: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var result: JSONObject = document.object ?? JSONObject()
        for (key, change) in changes {
            if change.isNull {
                result.removeValue(forKey: key)
            } else if change.object != nil {
                result[key] = apply(change, to: result[key] ?? .null)
            } else {
                result[key] = change
            }
        }
        return .object(result)
    }

    /// As a server reads it: the patch of an object must be an object.
    package static func apply(_ patch: [UInt8], to document: JSONValue) throws(PatchError) -> JSONValue {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: patch)
        } catch {
            throw .badRequest("error decoding merge patch: \(error.message)")
        }
        guard value.object != nil else { throw .badRequest("Invalid JSON Patch") }
        return apply(value, to: document)
    }

    /// The smallest patch that makes `new` of `old`. Members of `new` that are `null` cannot be expressed: a patch
    /// removes them.
    package static func difference(from old: JSONValue, to new: JSONValue) -> JSONValue {
        guard case .object(let before) = old, case .object(let after) = new else { return new }
        var patch = JSONObject()
        for (key, _) in before where !after.contains(key: key) { patch[key] = .some(.null) }
        for (key, value) in after {
            guard let known = before[key] else {
                patch[key] = value
                continue
            }
            if known == value { continue }
            patch[key] = difference(from: known, to: value)
        }
        return .object(patch)
    }
}
