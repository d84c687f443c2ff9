import APIAutoscaling
import APICore
package import APIMachinery
import Codec

/// Tables of documents that no resource stores: scales, and the states of components.
///
/// Only asked when a client wants a table and the answer is a finished document, so the document is read once more.
package struct VirtualTables {
    private let include: Negotiation.IncludeObject
    private let metaVersion: String
    private let now: Time

    package init(_ include: Negotiation.IncludeObject, metaVersion: String, now: Time) {
        self.include = include
        self.metaVersion = metaVersion
        self.now = now
    }

    private struct Row {
        var cells: [JSONValue]
        var object: JSONValue
    }

    /// nil: what goes out as it is.
    package func table(of json: [UInt8]) -> [UInt8]? {
        guard let document = try? JSONValue(parsing: json) else { return nil }
        switch (document["apiVersion"]?.string, document["kind"]?.string) {
        case ("autoscaling/v1", "Scale"):
            return write(Self.scaleColumns, [scale(document)], of: document)
        case ("v1", "ComponentStatus"):
            return write(Self.componentColumns, [component(document)], of: document)
        case ("v1", "ComponentStatusList"):
            let items: [JSONValue] = document["items"]?.array ?? []
            return write(Self.componentColumns, items.map(component), of: document)
        default: return nil
        }
    }

    // MARK: - Rows, as upstream's printers have them

    private static let scaleColumns: [TableColumn] = [
        .name, TableColumn("Desired", type: "integer"), TableColumn("Available", type: "integer"), .age,
    ]

    private static let componentColumns: [TableColumn] = [
        .name, TableColumn("Status"), TableColumn("Message"), TableColumn("Error"),
    ]

    private func scale(_ document: JSONValue) -> Row {
        let scale: Scale? = try? Scale(jsonBytes: document.jsonBytes)
        return Row(
            cells: [
                .string(scale?.metadata.name ?? ""), .int(Int64(scale?.spec.replicas ?? 0)),
                .int(Int64(scale?.status.replicas ?? 0)),
                TableCells.age(scale?.metadata.creationTimestamp, now: now),
            ], object: document)
    }

    private func component(_ document: JSONValue) -> Row {
        let status: ComponentStatus? = try? ComponentStatus(jsonBytes: document.jsonBytes)
        let health: ComponentCondition? = status?.conditions.first { $0.type == "Healthy" }
        let word: String = health.map { $0.status == "True" ? "Healthy" : "Unhealthy" } ?? "Unknown"
        return Row(
            cells: [
                .string(status?.metadata.name ?? ""), .string(word), .string(health?.message ?? ""),
                .string(health?.error ?? ""),
            ], object: document)
    }

    // MARK: - The document

    private func write(_ columns: [TableColumn], _ rows: [Row], of document: JSONValue) -> [UInt8] {
        var table = JSONObject()
        table["kind"] = .string("Table")
        table["apiVersion"] = .string("meta.k8s.io/" + metaVersion)
        var metadata = JSONObject()
        if let revision = document["metadata"]?["resourceVersion"] { metadata["resourceVersion"] = revision }
        table["metadata"] = .object(metadata)
        table["columnDefinitions"] = .array(columns.map { .object($0.definition) })
        table["rows"] = .array(rows.map { .object(self.row($0)) })
        return JSONValue.object(table).jsonBytes
    }

    private func row(_ row: Row) -> JSONObject {
        var result = JSONObject()
        result["cells"] = .array(row.cells)
        switch include {
        case .none: break
        case .metadata:
            var partial = JSONObject()
            partial["kind"] = .string("PartialObjectMetadata")
            partial["apiVersion"] = .string("meta.k8s.io/" + metaVersion)
            partial["metadata"] = row.object["metadata"] ?? .emptyObject
            result["object"] = .object(partial)
        case .object: result["object"] = row.object
        }
        return result
    }
}

extension TableColumn {
    fileprivate var definition: JSONObject {
        var result = JSONObject()
        result["name"] = .string(name)
        result["type"] = .string(type)
        result["format"] = .string(format)
        result["description"] = .string(description)
        result["priority"] = .int(Int64(priority))
        return result
    }
}
