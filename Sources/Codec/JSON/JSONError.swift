/// Why a document could not be read, and where. One word wide, so that throwing costs the good path nothing.
@usableFromInline
package struct JSONError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The bytes are not JSON: what the grammar allows here, and what stands here.
        case syntax(expected: String, found: String)
        /// JSON, but of another type than the field's.
        case mismatch(expected: String, found: String)
        /// A number outside the range of the field's type, such as `int32`.
        case outOfRange(type: String)
        case invalidNumber
        case invalidUTF8
        case invalidEscape
        case controlCharacter
        case invalidBase64
        /// Objects and arrays are nested more deeply than the limit.
        case tooDeep(limit: Int)
        case trailingData
        /// The right JSON type, but not a value of the field's type; the text is the type's own.
        case invalid(String)
    }

    private final class Storage: Sendable {
        let kind: Kind
        let offset: Int
        let path: String

        init(kind: Kind, offset: Int, path: String) {
            self.kind = kind
            self.offset = offset
            self.path = path
        }
    }

    private let storage: Storage

    package var kind: Kind { storage.kind }
    /// The position of the offending byte, from 0.
    package var offset: Int { storage.offset }
    /// The field, such as `spec.containers[0].image`; empty at the root.
    package var path: String { storage.path }

    package init(_ kind: Kind, offset: Int, path: String) {
        storage = Storage(kind: kind, offset: offset, path: path)
    }

    @usableFromInline
    package static func == (left: JSONError, right: JSONError) -> Bool {
        left.kind == right.kind && left.offset == right.offset && left.path == right.path
    }

    /// One line: `spec.priority: expected an integer, found a string (offset 214)`.
    package var message: String {
        let place: String = path.isEmpty ? "" : path + ": "
        return "\(place)\(reason) (offset \(offset))"
    }

    @usableFromInline
    package var description: String { message }

    /// The message without path and offset.
    package var reason: String {
        switch kind {
        case .syntax(let expected, let found): "expected \(expected), found \(found)"
        case .mismatch(let expected, let found): "expected \(expected), found \(found)"
        case .outOfRange(let type): "number out of range for \(type)"
        case .invalidNumber: "invalid number"
        case .invalidUTF8: "invalid UTF-8 in string"
        case .invalidEscape: "invalid escape in string"
        case .controlCharacter: "control character in string"
        case .invalidBase64: "invalid base64"
        case .tooDeep(let limit): "nested more than \(limit) levels deep"
        case .trailingData: "unexpected data after the end of the document"
        case .invalid(let reason): reason
        }
    }
}

/// What strict decoding found beyond errors; the words are upstream's, for `fieldValidation` warnings and errors.
package struct FieldProblem: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        case unknown
        case duplicate
    }

    package var kind: Kind
    /// The field's full path, such as `spec.template.spec.containers[0].foo`.
    package var path: String

    package init(_ kind: Kind, path: String) {
        self.kind = kind
        self.path = path
    }

    package var message: String {
        switch kind {
        case .unknown: "unknown field \"\(path)\""
        case .duplicate: "duplicate field \"\(path)\""
        }
    }

    package var description: String { message }
}
