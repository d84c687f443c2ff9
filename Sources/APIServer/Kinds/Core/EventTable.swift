import APICore
import APIMachinery
import Codec

/// Events in rows, for both of their kinds.
enum EventTable {
    static func definition<Object: APIObject>(_ event: @escaping @Sendable (Object) -> APICore.Event)
        -> TableDefinition<Object>
    {
        TableDefinition([
            TableColumn("Last Seen"), TableColumn("Type"), TableColumn("Reason"), TableColumn("Object"),
            TableColumn("Subobject", priority: 1), TableColumn("Source", priority: 1), TableColumn("Message"),
            TableColumn("First Seen", priority: 1), TableColumn("Count", priority: 1),
            TableColumn("Name", format: "name", priority: 1),
        ]) { object, now in
            cells(event(object), now)
        }
    }

    private static func cells(_ event: APICore.Event, _ now: Time) -> [JSONValue] {
        let first: Time? = event.firstTimestamp ?? event.eventTime?.time
        var last: Time? = event.lastTimestamp ?? first
        var count: Int = event.count
        if let series = event.series {
            last = series.lastObservedTime?.time
            count = series.count
        } else if count == 0 {
            count = 1
        }
        let kind: String = event.involvedObject.kind.lowercased()
        let name: String = event.involvedObject.name
        return [
            TableCells.age(last, now: now), .string(event.type), .string(event.reason),
            .string(name.isEmpty ? kind : kind + "/" + name), .string(event.involvedObject.fieldPath),
            .string(source(event)), .string(trimmed(event.message)), TableCells.age(first, now: now),
            CellText.int(count), .string(event.metadata.name),
        ]
    }

    private static func source(_ event: APICore.Event) -> String {
        let component: String =
            event.source.component.isEmpty ? event.reportingComponent : event.source.component
        let host: String = event.source.host.isEmpty ? event.reportingInstance : event.source.host
        return host.isEmpty ? component : component + ", " + host
    }

    private static func trimmed(_ text: String) -> String {
        guard let start = text.firstIndex(where: { !$0.isWhitespace }),
            let end = text.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(text[start...end])
    }
}
