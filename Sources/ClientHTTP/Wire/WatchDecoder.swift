import APIMachinery
import Codec

/// Cuts a watch's bytes into lines, and lines into events. Pure; bounded by the longest line it takes.
struct WatchDecoder {
    /// Objects are at most some megabytes; more than this is no watch.
    static let lineLimit: Int = 64 * 1024 * 1024

    private var rest: [UInt8] = []

    /// The events that became complete, and what ended the watch after them: an `ERROR` event, or bytes that are none.
    mutating func receive(_ bytes: some Collection<UInt8>) -> (events: [WatchEvent], failure: StatusError?) {
        var events: [WatchEvent] = []
        do throws(StatusError) {
            try receive(bytes, into: &events)
            return (events, nil)
        } catch {
            return (events, error)
        }
    }

    private mutating func receive(
        _ bytes: some Collection<UInt8>, into events: inout [WatchEvent]
    ) throws(StatusError) {
        var searchFrom: Int = rest.count
        rest.append(contentsOf: bytes)
        var lineStart: Int = 0
        while let end = rest[searchFrom...].firstIndex(of: 0x0A) {
            let line: [UInt8] = Array(rest[lineStart..<end])
            if !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { events.append(try Self.event(line)) }
            lineStart = end + 1
            searchFrom = lineStart
        }
        if lineStart > 0 { rest.removeFirst(lineStart) }
        guard rest.count <= Self.lineLimit else {
            throw .internalError("a watch event is longer than \(Self.lineLimit) bytes")
        }
    }

    private static func event(_ line: [UInt8]) throws(StatusError) -> WatchEvent {
        let wire: WireEvent
        do throws(JSONError) {
            wire = try JSONReader.decode(WireEvent.self, from: line)
        } catch {
            throw .internalError("failed to decode a watch event: \(error.message)")
        }
        guard let object = wire.object else { throw .internalError("a watch event has no object") }
        if wire.type == "ERROR" {
            let status: Status
            do throws(JSONError) {
                status = try JSONReader.decode(Status.self, from: Array(line[object.range]))
            } catch {
                throw .internalError("failed to decode a watch's error: \(error.message)")
            }
            throw StatusError(status)
        }
        guard let kind = WatchEvent.Kind(rawValue: wire.type) else {
            throw .internalError("a watch event is of unknown type \(wire.type)")
        }
        return WatchEvent(kind, object.snapshot(of: line))
    }
}
