import NIOCore

/// Bytes of a body, gathered where they will be sent from: what is put in here is not copied again before the socket
/// or TLS takes it.
package struct HTTPBodyBuffer: Sendable {
    var bytes: ByteBuffer

    package init(capacity: Int) {
        bytes = ByteBufferAllocator().buffer(capacity: capacity)
    }

    package var count: Int { bytes.readableBytes }

    package mutating func append(_ more: UnsafeRawBufferPointer) {
        bytes.writeBytes(more)
    }
}
