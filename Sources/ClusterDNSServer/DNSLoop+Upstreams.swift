import CDNSSockets
import Client
import ClusterDNS
import Glibc

/// One question to one upstream. Each has a socket of its own, so that its port is the kernel's random choice, and only
/// that server's datagrams come in.
final class UpstreamSocket {
    let descriptor: OwnedDescriptor
    let isStream: Bool
    var buffer = StreamBuffer()

    init(_ descriptor: OwnedDescriptor, isStream: Bool) {
        self.descriptor = descriptor
        self.isStream = isStream
    }
}

extension DNSLoop {
    func ask(_ exchange: Int, _ upstream: Upstream, _ isStream: Bool, _ message: [UInt8]) {
        let address: [UInt8] = upstream.address.bytes
        do throws(DNSServerError) {
            let raw: Int32 = cdns_connect(
                address, Int32(address.count), upstream.port, upstream.scope, isStream ? 1 : 0)
            let socket = UpstreamSocket(
                try OwnedDescriptor(raw, "connect to \(upstream)"), isStream: isStream)
            try poller.watch(raw, .exchange, exchange, writing: isStream)
            if isStream {
                socket.buffer.put(message)
            } else if send(raw, message, message.count, Int32(MSG_NOSIGNAL)) < 0 {
                throw DNSServerError("ask \(upstream)", errno)
            }
            exchanges[exchange] = socket
        } catch {
            configuration.log.debug("upstream server cannot be asked", [("error", error.description)])
            engine.forwarder.failed(exchange: exchange, now: now)
        }
    }

    func handleExchange(_ event: Poller.Event) {
        guard let socket = exchanges[event.number] else { return }
        if socket.isStream {
            handleStream(event, socket)
        } else {
            handleDatagram(event, socket)
        }
    }

    private func handleDatagram(_ event: Poller.Event, _ socket: UpstreamSocket) {
        var bytes: [UInt8] = [UInt8](repeating: 0, count: 4096)
        let count: Int = recv(socket.descriptor.raw, &bytes, bytes.count, 0)
        guard count >= 0 else {
            // ICMP told that nobody listens there.
            if errno != EAGAIN && errno != EINTR { fail(event.number) }
            return
        }
        bytes.removeLast(bytes.count - count)
        engine.forwarder.received(bytes.span, exchange: event.number, now: now)
    }

    private func handleStream(_ event: Poller.Event, _ socket: UpstreamSocket) {
        if event.isBroken && !event.isReadable { return fail(event.number) }
        if event.isWritable {
            if case .broken = socket.buffer.drain(socket.descriptor.raw) { return fail(event.number) }
            if !socket.buffer.hasOutput {
                do throws(DNSServerError) {
                    try poller.watch(socket.descriptor.raw, .exchange, event.number, isKnown: true)
                } catch {
                    return fail(event.number)
                }
            }
        }
        guard event.isReadable else { return }
        let status: StreamBuffer.Status = socket.buffer.fill(socket.descriptor.raw)
        if let message = socket.buffer.next() {
            if !engine.forwarder.received(message.span, exchange: event.number, now: now) { fail(event.number) }
            return
        }
        switch status {
        case .open: break
        case .ended, .broken: fail(event.number)
        }
    }

    private func fail(_ exchange: Int) {
        exchanges[exchange] = nil
        engine.forwarder.failed(exchange: exchange, now: now)
    }
}
