import APIMachinery
import APIServer
import Codec
import Testing

struct VirtualTableTests {
    private static let now = Time(seconds: 1_700_000_300)

    private static func table(_ text: String, _ include: Negotiation.IncludeObject = .metadata) throws -> JSONValue? {
        let tables = VirtualTables(include, metaVersion: "v1", now: now)
        return try tables.table(of: Array(text.utf8)).map { try JSONValue(parsing: $0) }
    }

    private static func columns(_ table: JSONValue?) -> [String] {
        (table?["columnDefinitions"]?.array ?? []).compactMap { $0["name"]?.string }
    }

    @Test func `a scale shows what is wanted and what is there`() throws {
        let scale: String = """
            {"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"web","namespace":"a",\
            "resourceVersion":"7","creationTimestamp":"2023-11-14T22:13:20Z"},"spec":{"replicas":3},\
            "status":{"replicas":2}}
            """
        let table = try Self.table(scale)
        #expect(table?["kind"]?.string == "Table")
        #expect(table?["metadata"]?["resourceVersion"]?.string == "7")
        #expect(Self.columns(table) == ["Name", "Desired", "Available", "Age"])
        let row: JSONValue? = table?["rows"]?.array?.first
        #expect(row?["cells"]?.array == [.string("web"), .int(3), .int(2), .string("5m")])
        #expect(row?["object"]?["kind"]?.string == "PartialObjectMetadata")
        #expect(row?["object"]?["metadata"]?["namespace"]?.string == "a")
        #expect(try Self.table(scale, .none)?["rows"]?.array?.first?["object"] == nil)
        #expect(try Self.table(scale, .object)?["rows"]?.array?.first?["object"]?["kind"]?.string == "Scale")
    }

    @Test func `components are healthy, unhealthy with their error, or unknown`() throws {
        let list: String = """
            {"kind":"ComponentStatusList","apiVersion":"v1","metadata":{},"items":[\
            {"metadata":{"name":"good"},"conditions":[{"type":"Healthy","status":"True","message":"ok"}]},\
            {"metadata":{"name":"bad"},"conditions":[{"type":"Healthy","status":"False","error":"gone"}]},\
            {"metadata":{"name":"new"}}]}
            """
        let table = try Self.table(list)
        #expect(Self.columns(table) == ["Name", "Status", "Message", "Error"])
        let rows: [[String]] = (table?["rows"]?.array ?? []).map { row in
            (row["cells"]?.array ?? []).compactMap(\.string)
        }
        #expect(
            rows == [["good", "Healthy", "ok", ""], ["bad", "Unhealthy", "", "gone"], ["new", "Unknown", "", ""]])
    }

    @Test func `other documents stay as they are`() throws {
        #expect(try Self.table("{\"kind\":\"Status\",\"apiVersion\":\"v1\"}") == nil)
        #expect(try Self.table("no document") == nil)
    }
}
