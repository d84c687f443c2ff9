import API
import APIServer
import Codec
import Testing

@Suite struct OpenAPIHandlerTests {
    private let handler = OpenAPIHandler(Ours.resources)

    private func get(_ path: String, accept: String = "", etag: String = "", hash: String? = nil) throws
        -> NonResourceResponse
    {
        let request = NonResourceRequest(
            method: "GET", path: path, query: hash.map { [("hash", $0)] } ?? [], accept: accept, etag: etag,
            context: RequestContext(user: UserInfo(name: "someone"), verb: "get", path: path))
        return try handler.handle(request)
    }

    private func field(_ name: String, _ response: NonResourceResponse) -> String? {
        response.fields.first { $0.name == name }?.value
    }

    @Test func `the index names documents by their hash, and these may be kept for ever`() throws {
        let index: JSONValue = try JSONReader.decode(JSONValue.self, from: try get("/openapi/v3").body)
        let paths: JSONValue = try #require(index["paths"])
        #expect(paths.names.isSuperset(of: ["api", "api/v1", "apis", "apis/apps", "apis/apps/v1", "version"]))
        let url: String = try #require(paths.at("apis/apps/v1", "serverRelativeURL")?.string)
        let parts: [Substring] = url.split(separator: "?hash=")
        #expect(parts[0] == "/openapi/v3/apis/apps/v1")
        let hash = String(parts[1])

        let document: NonResourceResponse = try get("/openapi/v3/apis/apps/v1", hash: hash)
        #expect(document.code == 200 && document.contentType == "application/json")
        #expect(field("etag", document) == "\"\(hash)\"")
        #expect(field("cache-control", document)?.contains("immutable") == true)
        #expect(field("cache-control", try get("/openapi/v3/apis/apps/v1")) == nil)

        let same: NonResourceResponse = try get("/openapi/v3/apis/apps/v1", etag: "W/\"0\", \"\(hash)\"")
        #expect(same.code == 304 && same.body.isEmpty)
        let moved: NonResourceResponse = try get("/openapi/v3/apis/apps/v1", hash: "0123")
        #expect(moved.code == 301 && field("location", moved) == url)
    }

    @Test func `what is not there is 404, and what has no such form is 406`() throws {
        #expect(try get("/openapi/v3/apis/none/v1").code == 404)
        let protobuf3: String = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"
        #expect(try get("/openapi/v3/api/v1", accept: protobuf3).code == 406)
        #expect(try get("/openapi/v3/api/v1", accept: "\(protobuf3), */*;q=0.1").code == 200)
        #expect(try get("/openapi/v2", accept: "text/html").code == 406)
        #expect(try get("/openapi/v2", accept: "application/json").contentType == "application/json")
        let protobuf2: String = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
        let response: NonResourceResponse = try get("/openapi/v2", accept: protobuf2)
        #expect(response.contentType == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")
        let json: JSONValue = try JSONReader.decode(JSONValue.self, from: try get("/openapi/v2").body)
        let summary = try DocumentSummary(response.body)
        #expect(summary.swagger == "2.0" && json["swagger"] == "2.0")
        #expect(summary.paths == json["paths"]?.names && summary.paths.count > 100)
        #expect(summary.definitions == json["definitions"]?.names && summary.definitions.count > 100)
        #expect(summary.parameters == json["parameters"]?.names)
    }

    @Test func `an answer is quick once the document's hash is known to the client`() throws {
        let fresh = OpenAPIHandler(Ours.resources)
        var request = NonResourceRequest(
            method: "GET", path: "/openapi/v2",
            context: RequestContext(user: UserInfo(name: "someone"), verb: "get", path: "/openapi/v2"))
        #expect(!fresh.isQuick(request))
        request.etag = try #require(field("etag", try fresh.handle(request)))
        #expect(fresh.isQuick(request))
        #expect(try fresh.handle(request).code == 304)
    }
}

/// What a protobuf document says, by the numbers of its published description.
private struct DocumentSummary {
    var swagger: String = ""
    var paths: Set<String> = []
    var definitions: Set<String> = []
    var parameters: Set<String> = []

    init(_ bytes: [UInt8]) throws {
        var reader = ProtobufReader(bytes)
        while true {
            switch try reader.nextField() {
            case 0: return
            case 1: swagger = try reader.string()
            case 8: paths = try Self.names(try reader.bytes(), field: 2)
            case 9: definitions = try Self.names(try reader.bytes(), field: 1)
            case 10: parameters = try Self.names(try reader.bytes(), field: 1)
            default: try reader.skip()
            }
        }
    }

    private static func names(_ bytes: [UInt8], field: Int) throws -> Set<String> {
        var names: Set<String> = []
        var reader = ProtobufReader(bytes)
        while true {
            let number: Int = try reader.nextField()
            if number == 0 { return names }
            guard number == field else {
                try reader.skip()
                continue
            }
            var entry = ProtobufReader(try reader.bytes())
            while true {
                let part: Int = try entry.nextField()
                if part == 0 { break }
                if part == 1 { names.insert(try entry.string()) } else { try entry.skip() }
            }
        }
    }
}
