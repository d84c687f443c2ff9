package import APIMachinery
import Codec

/// Turns watch events into frames; a frame that all watchers get is made once.
package struct WatchEncoder: Sendable {
    private let resource: any ServedResource
    private let negotiation: Negotiation
    private let clock: any WallClock

    package init(_ resource: any ServedResource, _ negotiation: Negotiation, clock: any WallClock) {
        self.resource = resource
        self.negotiation = negotiation
        self.clock = clock
    }

    /// Whether an event is little more than a copy of what is stored: nothing is decoded for it.
    package var sendsStoredBytes: Bool {
        resource.isStorageVersion && negotiation.format == .json && negotiation.form == .plain && !negotiation.pretty
    }

    /// - Parameter isFirst: of its watch: tables tell their columns once, as upstream's.
    package func frame(_ delivery: Delivery, isFirst: Bool) throws(StatusError) -> [UInt8] {
        guard let shared = delivery.shared else { return try encode(delivery, isFirst) }
        let encoding: CachedEvent.Encoding = isFirst ? negotiation.firstEncoding : negotiation.encoding
        // A frame that cannot be made is made again for the next, and fails again.
        if let frame = shared.knownFrame(encoding) { return frame }
        let frame: [UInt8] = try encode(delivery, isFirst)
        return shared.frame(encoding) { frame }
    }

    private func encode(_ delivery: Delivery, _ isFirst: Bool) throws(StatusError) -> [UInt8] {
        let snapshot: Snapshot =
            delivery.kind == .bookmark ? delivery.snapshot : try resource.presented(delivery.snapshot)
        let forms = ObjectForms(
            resource: resource, negotiation: negotiation, now: clock.now, hasColumns: isFirst)
        if negotiation.format == .protobuf {
            let object: [UInt8] = try forms.protobuf(snapshot)
            return Self.protobufFrame(delivery.kind.rawValue, object)
        }
        if delivery.kind == .bookmark, case .table(let include) = negotiation.form {
            let metadata = ListMeta.with { $0.resourceVersion = String(snapshot.revision) }
            return Self.jsonFrame(delivery.kind.rawValue, try forms.table([], include: include, metadata: metadata))
        }
        return Self.jsonFrame(delivery.kind.rawValue, try forms.json(snapshot))
    }

    /// The last event of a watch that failed.
    package func frame(_ error: StatusError) -> [UInt8] {
        negotiation.format == .protobuf
            ? Self.protobufFrame("ERROR", ProtobufEnvelope.encode(error.status))
            : Self.jsonFrame("ERROR", error.body)
    }

    private static func jsonFrame(_ type: String, _ object: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(object.count + 40)
        frame.append(contentsOf: "{\"type\":\"".utf8)
        frame.append(contentsOf: type.utf8)
        frame.append(contentsOf: "\",\"object\":".utf8)
        frame.append(contentsOf: object)
        frame.append(contentsOf: [UInt8(ascii: "}"), 0x0A])
        return frame
    }

    /// Four bytes of length, then `WatchEvent { type = 1, object = 2 { raw = 1 } }`.
    private static func protobufFrame(_ type: String, _ object: [UInt8]) -> [UInt8] {
        var raw = ProtobufWriter(capacity: object.count + 16)
        raw.bytes(object, field: 1)
        let extensionBytes: [UInt8] = raw.finish()
        var writer = ProtobufWriter(capacity: object.count + 48)
        writer.bytes(extensionBytes, field: 2)
        writer.string(type, field: 1)
        let event: [UInt8] = writer.finish()
        let count = UInt32(event.count)
        let length: [UInt8] = [
            UInt8(truncatingIfNeeded: count >> 24), UInt8(truncatingIfNeeded: count >> 16),
            UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count),
        ]
        return length + event
    }
}
