/// A value that is stored behind a reference, copied when it is changed and shared: what generated types keep their
/// large members in, so that an object is a few words to copy. The empty value takes no allocation.
///
/// Used through a computed property of the member's own type:
///
///     var boxedSpec = Boxed<PodSpec>()
///     var spec: PodSpec { _read { yield boxedSpec.value } _modify { yield &boxedSpec.value } }
package struct Boxed<Value: APIMessage>: Equatable, Sendable {
    /// Nil stands for `Value()`.
    @usableFromInline var storage: Box<Value>?

    @inlinable
    package init() {
        storage = nil
    }

    @inlinable
    package var value: Value {
        _read {
            if let storage {
                yield storage.value
            } else {
                yield Value()
            }
        }
        _modify {
            let box: Box<Value> = uniqueBox()
            yield &box.value
        }
    }

    /// The storage, which after this nobody else refers to. Uniqueness is asked before a second reference exists.
    @inlinable
    mutating func uniqueBox() -> Box<Value> {
        if isKnownUniquelyReferenced(&storage), let storage { return storage }
        let box: Box<Value> = Box(storage?.value ?? Value())
        storage = box
        return box
    }

    @inlinable
    package static func == (one: Boxed, other: Boxed) -> Bool {
        one.storage === other.storage || one.value == other.value
    }
}

/// `Boxed` for members that may be absent.
package struct BoxedOptional<Value: APIMessage>: Equatable, Sendable {
    /// Nil stands for nil. The box holds an optional, so that neither reading nor changing in place moves the value.
    @usableFromInline var storage: Box<Value?>?

    @inlinable
    package init() {
        storage = nil
    }

    /// Read by `get`: mostly it is nil, and a `_read` with two yields can be neither inlined nor specialised, so that
    /// each read would look up the type's metadata and allocate a frame.
    @inlinable
    package var value: Value? {
        get { storage?.value }
        _modify {
            let box: Box<Value?> = uniqueBox()
            yield &box.value
        }
        set {
            guard newValue != nil else {
                storage = nil
                return
            }
            uniqueBox().value = newValue
        }
    }

    /// The storage, which after this nobody else refers to.
    @inlinable
    mutating func uniqueBox() -> Box<Value?> {
        if isKnownUniquelyReferenced(&storage), let storage { return storage }
        let box: Box<Value?> = Box(storage?.value)
        storage = box
        return box
    }

    @inlinable
    package static func == (one: BoxedOptional, other: BoxedOptional) -> Bool {
        one.storage === other.storage || one.value == other.value
    }
}

/// The storage behind `Boxed`.
// tidy:allow @unchecked Sendable: `value` changes only through a `Boxed` that has just seen, in a mutating access
// (hence exclusively), that it holds the sole reference; a box that two threads can reach is never written.
@usableFromInline
final class Box<Value: Sendable>: @unchecked Sendable {  // tidy:allow @unchecked Sendable: see above
    @usableFromInline var value: Value

    @inlinable
    init(_ value: Value) {
        self.value = value
    }
}
