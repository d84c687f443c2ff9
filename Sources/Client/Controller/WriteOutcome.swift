package import APIMachinery

/// What came of one write.
package struct WriteOutcome: Sendable {
    package enum Result: Sendable {
        /// The object as it is now; nil where the server answers with something else (a Status after a deletion).
        case done(Snapshot?)
        /// Failed in a way that the write said does not matter.
        case ignored(StatusError)
        case failed(StatusError)
        /// Not tried, because of an earlier failure.
        case skipped
    }

    package var write: Write
    package var result: Result

    package init(_ write: Write, _ result: Result) {
        self.write = write
        self.result = result
    }

    /// Nil unless the write failed in a way that matters.
    package var error: StatusError? {
        if case .failed(let error) = result { error } else { nil }
    }

    /// The object that the server answered with.
    package var snapshot: Snapshot? {
        if case .done(let snapshot) = result { snapshot } else { nil }
    }

    /// The object that the server answered with, if it is of that type.
    package func object<Object: APIObject>(_ type: Object.Type) -> Object? {
        do {
            return try snapshot?.decode(type)
        } catch {
            return nil
        }
    }
}
