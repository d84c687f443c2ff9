package import HTTPServer

/// Bytes both ways: a client's connection after an upgrade, or one that we opened.
package protocol ByteConnection: AnyObject, Sendable {
    /// The next bytes, at least one; nil at the end, or when the task is cancelled. One reader at a time.
    func read() async -> [UInt8]?
    /// Sends bytes, and returns when there is room for more. False: the connection is closed.
    func write(_ bytes: [UInt8]) async -> Bool
    /// Ends our direction after what was written.
    func closeWrite()
    /// Cuts both directions now.
    func close()
}

extension RawConnection: ByteConnection {}
