import APIMachinery
import APIServer
import Codec
import Foundation
import Testing

private let json: String = "application/json"
private let yaml: String = "application/yaml"
private let protobuf: String = "application/vnd.kubernetes.protobuf"

@Suite(.timeLimit(.minutes(5)))
struct NegotiationTests {
    private static func chosen(_ accept: String, _ query: [(name: String, value: String)] = [], watch: Bool = false)
        throws(StatusError) -> Negotiation
    {
        try Negotiation(accept: accept, query: query, userAgent: "test", isWatch: watch)
    }

    @Test(arguments: [
        ("", json), ("*/*", json), ("application/*", json), ("application/json", json), ("APPLICATION/JSON", json),
        ("application/json; charset=utf-8", json), (yaml, yaml), (protobuf, protobuf),
        ("text/html, application/yaml;q=0.5, */*;q=0.1", yaml), ("application/json;q=0.2, application/yaml", yaml),
        ("application/vnd.kubernetes.protobuf,application/json", protobuf),
        ("application/json;stream=watch, application/yaml", yaml),
        ("application/json;as=Other;g=meta.k8s.io;v=v1, application/yaml", yaml),
        ("application/json;as=Table;g=else;v=v1, application/yaml", yaml),
        ("application/json;as=Table;g=meta.k8s.io;v=v7, application/yaml", yaml),
        ("application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1, application/yaml", yaml),
    ])
    func `the best that the client takes is chosen`(accept: String, type: String) throws {
        #expect(try Self.chosen(accept).contentType == type)
    }

    @Test(arguments: ["image/png", "text/*", "application/cbor", "application/json;stream=watch", "nonsense"])
    func `what nobody has is 406, with what there is`(accept: String) {
        let error = #expect(throws: StatusError.self) { try Self.chosen(accept) }
        #expect(error?.code == 406 && error?.reason == "NotAcceptable")
        #expect(error?.message == "only the following media types are accepted: \(json), \(yaml), \(protobuf)")
    }

    @Test func `where there is no table, one is 406, unless the client takes something else`() throws {
        func chosen(_ accept: String) throws(StatusError) -> Negotiation {
            try Negotiation(accept: accept, query: [], userAgent: "test", hasTable: false)
        }
        let table: String = "application/json;as=Table;g=meta.k8s.io;v=v1"
        let error = #expect(throws: StatusError.self) { try chosen(table) }
        #expect(error?.code == 406 && error?.reason == "NotAcceptable")
        #expect(try chosen(table + ", " + json).form == .plain)
    }

    @Test func `watches have frames in JSON and protobuf only`() throws {
        #expect(try Self.chosen(json + ";stream=watch", watch: true).watchContentType == json)
        #expect(try Self.chosen("*/*", watch: true).watchContentType == json)
        #expect(try Self.chosen(protobuf, watch: true).watchContentType == protobuf + ";stream=watch")
        for accept in [yaml, "application/yaml, application/json", "image/png"] {
            let error = #expect(throws: StatusError.self) { try Self.chosen(accept, watch: true) }
            let text: String = "only the following media types are accepted: "
            #expect(error?.message == text + "\(json);stream=watch, \(protobuf);stream=watch")
        }
    }

    @Test func `forms keep the version that was asked for`() throws {
        for version in ["v1", "v1beta1"] {
            let table = try Self.chosen("application/json;as=Table;g=meta.k8s.io;v=\(version)")
            #expect(table.form == .table(.metadata) && table.metaVersion == version)
        }
        let error = #expect(throws: StatusError.self) {
            try Self.chosen("application/json;as=Table;g=meta.k8s.io;v=v1", [("includeObject", "Most")])
        }
        #expect(error?.code == 400)
        #expect(try Self.chosen("application/json;pretty=1").pretty)
        #expect(try !Self.chosen("application/json").pretty)
        #expect(try Self.chosen("application/json", [("pretty", "true")]).pretty)
    }
}

@Suite(.timeLimit(.minutes(5)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")))
struct EncodingTests {
    @Test func `lists and objects are not taken for each other`() async throws {
        try await withHTTP { server, url in
            _ = try await server.createConfigMap("a")
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            func accept(_ kind: String) -> [String] {
                root + ["-H", "Accept: application/json;as=\(kind);g=meta.k8s.io;v=v1"]
            }
            let object = try await curl(accept("PartialObjectMetadata") + [maps + "/a"])
            #expect(object.code == 200 && object.json["kind"]?.string == "PartialObjectMetadata")
            let list = try await curl(accept("PartialObjectMetadata") + [maps])
            #expect(list.code == 406)
            #expect(
                list.message
                    == "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)")
            let other = try await curl(accept("PartialObjectMetadataList") + [maps + "/a"])
            #expect(other.code == 406)
            #expect(
                other.message
                    == "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"
            )
        }
    }

    @Test func `YAML comes in and goes out`() async throws {
        try await withHTTP { server, url in
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            let send: [String] = ["-H", "Content-Type: application/yaml", "-H", "Accept: application/yaml"]
            let body: String = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  value: \"yes\"\n"
            let made = try await curl(root + send + ["--data-binary", body, maps])
            #expect(made.code == 201 && made.body.contains("value: \"yes\"\n"))
            let list = try await curl(root + send + ["-X", "GET", maps])
            #expect(list.body.contains("kind: ConfigMapList\n") && list.body.contains("name: a\n"))
            let table: [String] = ["-H", "Accept: application/yaml;as=Table;g=meta.k8s.io;v=v1"]
            #expect(try await curl(root + table + [maps]).body.contains("kind: Table\n"))
            let options: String = "apiVersion: v1\nkind: DeleteOptions\ndryRun: [All]\n"
            let gone = try await curl(root + send + ["-X", "DELETE", "--data-binary", options, maps + "/a"])
            #expect(gone.code == 200 && gone.body.contains("status: Success\n"))
            let watch = try await curl(root + send + ["-X", "GET", maps + "?watch=1"])
            #expect(watch.code == 406)
            #expect(try await server.request(.list, configMaps).names == ["a"])
        }
    }

    @Test func `a body above the limit gets a Status, in the type that was asked for`() async throws {
        try await withHTTP { _, url in
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            try await withFile([UInt8](repeating: 0x20, count: (3 << 20) + 1)) { path in
                let body: [String] = ["-H", "Content-Type: application/json", "--data-binary", "@" + path, maps]
                let answer = try await curl(root + ["-H", "Expect:"] + body)
                #expect(answer.code == 413 && answer.json["reason"]?.string == "RequestEntityTooLarge")
                #expect(answer.message == "Request entity too large: limit is 3145728")
                let yaml = try await curl(root + ["-H", "Expect:", "-H", "Accept: application/yaml"] + body)
                #expect(yaml.code == 413 && yaml.body.contains("reason: RequestEntityTooLarge\n"))
            }
        }
    }

    @Test func `a client that has the discovery document gets 304`() async throws {
        try await withHTTP { _, url in
            for path in ["/api", "/apis"] {
                let accept: [String] = [
                    "-H", "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
                ]
                let whole = try await curl(root + accept + [url + path])
                let tag: String = try #require(whole.fields["etag"])
                #expect(whole.code == 200 && tag.count > 10 && whole.fields["vary"] == "Accept")
                let same = try await curl(root + accept + ["-H", "If-None-Match: " + tag, url + path])
                #expect(same.code == 304 && same.body.isEmpty && same.fields["etag"] == tag)
                let other = try await curl(root + accept + ["-H", #"If-None-Match: "else""#, url + path])
                #expect(other.code == 200 && other.body == whole.body)
            }
        }
    }
}
