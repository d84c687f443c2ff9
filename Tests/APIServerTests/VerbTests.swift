import APIApps
import APICore
import APIMachinery
import APIServer
import Codec
import Flow
import Store
import Testing

@Suite(.timeLimit(.minutes(5)))
struct VerbTests {
    private static let pod: String =
        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"c","image":"i"}]}}"#

    @Test func `a create sets what is the server's and answers what was stored`() async throws {
        try await withServer { server in
            let body: String =
                #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","generation":7,"uid":"x","#
                + #""deletionTimestamp":"2020-01-01T00:00:00Z"},"data":{"k":"v"}}"#
            let response = try await server.request(.create, configMaps, body: body)
            #expect(response.code == 201)
            let made = try response.object(ConfigMap.self)
            #expect(made.metadata.namespace == "default")
            #expect(made.metadata.uid.utf8.count == 36)
            #expect(made.metadata.creationTimestamp == server.time.wall.now)
            #expect(made.metadata.generation == 0)
            #expect(made.metadata.deletionTimestamp == nil)
            #expect(!made.metadata.resourceVersion.isEmpty)
            let read = try await server.request(.get, configMaps, "a").object(ConfigMap.self)
            #expect(read == made)
            let step = try #require(server.flow.steps().last)
            #expect(
                step.what == "created" && step.object.name == "a"
                    && String(step.revision) == made.metadata.resourceVersion)
        }
    }

    @Test func `wrong creates are refused in upstream's words`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("a")
            let cases: [(body: String, code: Int, message: String)] = [
                (
                    #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}"#, 409,
                    #"configmaps "a" already exists"#
                ),
                (
                    #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"b","namespace":"other"}}"#, 400,
                    "the namespace of the provided object does not match the namespace sent on the request"
                ),
                (
                    #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}"#, 422,
                    #"ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required"#
                ),
                (
                    #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"b","resourceVersion":"3"}}"#, 400,
                    "resourceVersion should not be set on objects to be created"
                ),
                (
                    #"{"kind":"ConfigMap","apiVersion":"apps/v1","metadata":{"name":"b"}}"#, 400,
                    "the API version in the data (apps/v1) does not match the expected API version (v1)"
                ),
            ]
            for item in cases {
                let error = await failure { () throws(StatusError) in
                    _ = try await server.request(.create, configMaps, body: item.body)
                }
                #expect(error?.code == item.code)
                #expect(error?.message == item.message)
            }
            let kind = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .create, configMaps, body: #"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"b"}}"#)
            }
            #expect(kind?.code == 400 && kind?.message.contains("cannot be handled as a ConfigMap") == true)
            let text = await failure { () throws(StatusError) in
                _ = try await server.request(.create, configMaps, body: "not json")
            }
            #expect(text?.code == 400)
            let type = await failure { () throws(StatusError) in
                _ = try await server.request(.create, configMaps, body: "{}", type: "text/html")
            }
            #expect(type?.code == 415)
            let resource = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .create, GroupVersionResource(group: "", version: "v1", resource: "widgets"), body: "{}")
            }
            #expect(resource?.code == 404)
        }
    }

    @Test func `unknown fields are refused, warned about or ignored`() async throws {
        try await withServer { server in
            let body: String = #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"generateName":"a-"},"dada":{}}"#
            let strict = await failure { () throws(StatusError) in
                _ = try await server.request(.create, configMaps, query: [("fieldValidation", "Strict")], body: body)
            }
            #expect(strict?.code == 400)
            #expect(strict?.message.hasSuffix(#"strict decoding error: unknown field "dada""#) == true)
            let warned = try await server.request(.create, configMaps, body: body)
            #expect(warned.warnings == [#"unknown field "dada""#])
            let ignored = try await server.request(
                .create, configMaps, query: [("fieldValidation", "Ignore")], body: body)
            #expect(ignored.warnings.isEmpty)
            let names = try await server.request(.list, configMaps).names
            #expect(names.count == 2 && names.allSatisfy { $0.hasPrefix("a-") && $0.utf8.count == 7 })
        }
    }

    @Test func `a patch whose result is not of the kind is refused as invalid`() async throws {
        try await withServer { server in
            let map = try await server.createConfigMap("a", value: "1")
            let merge: String = "application/merge-patch+json"
            let cases: [(type: String, query: [(name: String, value: String)], patch: String, ending: String)] = [
                (
                    "application/strategic-merge-patch+json", [], #"{"data":{"a":["x",null,true,3]}}"#,
                    #""map[data:map[a:[x <nil> true 3]]]": json: cannot unmarshal array into Go struct field "#
                        + "ConfigMap.data of type string"
                ),
                (
                    merge, [], #"{"data":5}"#,
                    "json: cannot unmarshal number into Go struct field ConfigMap.data of type map[string]string"
                ),
                (
                    merge, [("fieldValidation", "Strict")], #"{"foo":1,"data":{"b":"1","b":"2"}}"#,
                    #"strict decoding error: duplicate field "data.b", unknown field "foo""#
                ),
                (
                    "application/json-patch+json", [("fieldValidation", "Strict")],
                    #"[{"op":"add","path":"/foo","value":1}]"#, #"strict decoding error: unknown field "foo""#
                ),
            ]
            for item in cases {
                let error = await failure { () throws(StatusError) in
                    _ = try await server.request(
                        .patch, configMaps, "a", query: item.query, body: item.patch, type: item.type)
                }
                #expect(error?.code == 422)
                #expect(error?.message.hasPrefix(#" "" is invalid: patch: Invalid value: "#) == true)
                #expect(error?.message.hasSuffix(item.ending) == true, "\(error?.message ?? "")")
            }
            let warned = try await server.request(
                .patch, configMaps, "a", body: #"[{"op":"add","path":"/foo","value":1}]"#,
                type: "application/json-patch+json")
            #expect(warned.warnings == [#"unknown field "foo""#])
            #expect(try warned.object(ConfigMap.self) == map)
        }
    }

    @Test func `what no method may do changes nothing`() async throws {
        try await withServer { server in
            let map = try await server.createConfigMap("a")
            let cases: [(verb: APIRequest.Verb, name: String, body: String, type: String, code: Int, message: String)] =
                [
                    (.create, "b", "{}", "", 405, "the server does not allow this method on the requested resource"),
                    (.update, "", "{}", "", 405, "the server does not allow this method on the requested resource"),
                    (
                        .update, "a", #"{"data":{"x":"y"}}"#, "", 400,
                        "the name of the object (a based on URL) was undeterminable: name must be provided"
                    ),
                    (
                        .delete, "a", #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"b"}}"#, "", 400,
                        "decoded object cannot be converted to DeleteOptions"
                    ),
                ]
            for item in cases {
                let error = await failure { () throws(StatusError) in
                    _ = try await server.request(item.verb, configMaps, item.name, body: item.body, type: item.type)
                }
                #expect(error?.code == item.code && error?.message == item.message, "\(error?.message ?? "")")
            }
            #expect(try await server.request(.list, configMaps).names == ["a"])
            #expect(try await server.request(.get, configMaps, "a").object(ConfigMap.self) == map)
        }
    }

    @Test func `a get of a revision that nobody has seen is refused`() async throws {
        try await withServer { server in
            let map = try await server.createConfigMap("a")
            for known in ["0", map.metadata.resourceVersion] {
                let read = try await server.request(.get, configMaps, "a", query: [("resourceVersion", known)])
                #expect(try read.object(ConfigMap.self) == map)
            }
            let wrong = await failure { () throws(StatusError) in
                _ = try await server.request(.get, configMaps, "a", query: [("resourceVersion", "abc")])
            }
            #expect(wrong?.code == 422)
            // Time passes until the server loses its patience.
            let future: StatusError? = await withTaskGroup { group in
                group.addTask {
                    await failure { () throws(StatusError) in
                        _ = try await server.request(.get, configMaps, "a", query: [("resourceVersion", "999999")])
                    }
                }
                group.addTask {
                    while !Task.isCancelled {
                        server.time.advance(seconds: 5)
                        server.core.tick()
                        await Task.yield()
                    }
                    return nil
                }
                let first: StatusError?? = await group.next()
                group.cancelAll()
                return first ?? nil
            }
            #expect(future?.code == 504 && future?.message.contains("Too large resource version: 999999") == true)
        }
    }

    @Test func `YAML is read like JSON`() async throws {
        try await withServer { server in
            let yaml: String = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yam\ndata:\n  a: \"1\"\n"
            let made = try await server.request(.create, configMaps, body: yaml, type: "application/yaml")
            #expect(try made.object(ConfigMap.self).data["a"] == "1")
        }
    }

    @Test func `an update of an old version conflicts, one of nothing keeps the version`() async throws {
        try await withServer { server in
            var map = try await server.createConfigMap("a")
            let first: String = map.metadata.resourceVersion
            #expect(try await server.update(configMaps, map).object(ConfigMap.self).metadata.resourceVersion == first)
            map.data["value"] = "2"
            let second = try await server.update(configMaps, map).object(ConfigMap.self)
            #expect(second.metadata.resourceVersion != first && second.data["value"] == "2")
            map.data["value"] = "3"
            let stale: ConfigMap = map
            let error = await failure { () throws(StatusError) in _ = try await server.update(configMaps, stale) }
            #expect(error?.code == 409)
            #expect(
                error?.message
                    == #"Operation cannot be fulfilled on configmaps "a": the object has been modified; "#
                    + "please apply your changes to the latest version and try again")
            map.metadata.resourceVersion = ""
            #expect(try await server.update(configMaps, map).object(ConfigMap.self).data["value"] == "3")
            map.metadata.uid = "other"
            let uid: ConfigMap = map
            let wrong = await failure { () throws(StatusError) in _ = try await server.update(configMaps, uid) }
            #expect(
                wrong?.code == 409 && wrong?.message.contains("Precondition failed: UID in precondition: other") == true
            )
            let missing = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .update, configMaps, "b", body: #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"b"}}"#)
            }
            #expect(missing?.code == 404 && missing?.message == #"configmaps "b" not found"#)
        }
    }

    @Test func `each kind of patch is applied`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("a", labels: ["x": "1"])
            let merged = try await server.request(
                .patch, configMaps, "a", body: #"{"data":{"more":"yes","value":null}}"#,
                type: "application/merge-patch+json"
            ).object(ConfigMap.self)
            #expect(merged.data == ["more": "yes"])
            let json = try await server.request(
                .patch, configMaps, "a", body: #"[{"op":"replace","path":"/data/more","value":"no"}]"#,
                type: "application/json-patch+json"
            ).object(ConfigMap.self)
            #expect(json.data == ["more": "no"])
            _ = try await server.request(.create, pods, body: Self.pod)
            let strategic = try await server.request(
                .patch, pods, "web",
                body: #"{"spec":{"containers":[{"name":"c","image":"j"},{"name":"d","image":"k"}]}}"#,
                type: "application/strategic-merge-patch+json"
            ).object(Pod.self)
            #expect(Set(strategic.spec.containers.map { "\($0.name)=\($0.image)" }) == ["c=j", "d=k"])
            let stale = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .patch, configMaps, "a", body: #"{"metadata":{"resourceVersion":"1"},"data":{"z":"1"}}"#,
                    type: "application/merge-patch+json")
            }
            #expect(stale?.code == 409)
            let unknown = try await server.request(
                .patch, configMaps, "a", body: #"{"nope":1}"#, type: "application/merge-patch+json")
            #expect(unknown.warnings == [#"unknown field "nope""#])
        }
    }

    @Test func `no update is lost among many writers`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("counter", value: "0")
            let writers: Int = 8
            let rounds: Int = 12
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<writers {
                    group.addTask {
                        for round in 0..<rounds {
                            if writer.isMultiple(of: 2) {
                                try await increment(server)
                            } else {
                                // Patches without a version never conflict.
                                _ = try await server.request(
                                    .patch, configMaps, "counter", body: #"{"data":{"w\#(writer)-\#(round)":"x"}}"#,
                                    type: "application/merge-patch+json")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let map = try await server.request(.get, configMaps, "counter").object(ConfigMap.self)
            #expect(map.data["value"] == String(writers / 2 * rounds))
            #expect(map.data.count == 1 + writers / 2 * rounds)
        }
    }

    private func increment(_ server: TestServer) async throws {
        while true {
            var map = try await server.request(.get, configMaps, "counter").object(ConfigMap.self)
            map.data["value"] = String((Int(map.data["value"] ?? "") ?? 0) + 1)
            do throws(StatusError) {
                _ = try await server.update(configMaps, map)
                return
            } catch {
                guard error.code == 409 else { throw error }
            }
        }
    }

    @Test func `the status endpoint changes the status, the main one the rest`() async throws {
        try await withServer { server in
            let body: String =
                #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":2,"#
                + #""selector":{"matchLabels":{"a":"b"}},"template":{}},"status":{"replicas":9}}"#
            var made = try await server.request(.create, deployments, body: body).object(Deployment.self)
            #expect(made.metadata.generation == 1 && made.status.replicas == 0)
            made.status.replicas = 2
            made.spec.replicas = 5
            let viaStatus = try await server.request(
                .update, deployments, "d", subresource: "status", body: String(decoding: made.jsonBytes, as: UTF8.self)
            ).object(Deployment.self)
            #expect(viaStatus.status.replicas == 2 && viaStatus.spec.replicas == 2)
            #expect(viaStatus.metadata.generation == 1)
            made = viaStatus
            made.status.replicas = 7
            made.spec.replicas = 3
            let viaMain = try await server.update(deployments, made).object(Deployment.self)
            #expect(viaMain.status.replicas == 2 && viaMain.spec.replicas == 3 && viaMain.metadata.generation == 2)
        }
    }

    @Test func `scale reads and writes replicas only`() async throws {
        try await withServer { server in
            let body: String =
                #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":2,"#
                + #""selector":{"matchLabels":{"a":"b"}},"template":{}}}"#
            _ = try await server.request(.create, deployments, body: body)
            let read = try await server.request(.get, deployments, "d", subresource: "scale")
            guard case .json(let json) = read.body else {
                Issue.record("a scale is JSON")
                return
            }
            let value = try JSONValue(parsing: json)
            #expect(value["kind"]?.string == "Scale" && value["spec", "replicas"]?.int == 2)
            #expect(value["status", "selector"]?.string == "a=b")
            _ = try await server.request(
                .patch, deployments, "d", subresource: "scale", body: #"{"spec":{"replicas":4}}"#,
                type: "application/merge-patch+json")
            let scaled = try await server.request(.get, deployments, "d").object(Deployment.self)
            #expect(scaled.spec.replicas == 4 && scaled.metadata.generation == 2)
            let negative = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .patch, deployments, "d", subresource: "scale", body: #"{"spec":{"replicas":-1}}"#,
                    type: "application/merge-patch+json")
            }
            #expect(negative?.code == 422)
        }
    }

    @Test func `a pod is bound once`() async throws {
        try await withServer { server in
            _ = try await server.request(.create, pods, body: Self.pod)
            let binding: String =
                #"{"apiVersion":"v1","kind":"Binding","metadata":{"name":"web"},"target":{"kind":"Node","name":"n1"}}"#
            let bound = try await server.request(.create, pods, "web", subresource: "binding", body: binding)
            #expect(bound.code == 201 && bound.status?.status == "Success")
            let pod = try await server.request(.get, pods, "web").object(Pod.self)
            #expect(pod.spec.nodeName == "n1" && pod.metadata.generation == 1)
            #expect(pod.status.conditions.map { "\($0.type)=\($0.status)" } == ["PodScheduled=True"])
            let again = await failure { () throws(StatusError) in
                _ = try await server.request(.create, pods, "web", subresource: "binding", body: binding)
            }
            #expect(again?.code == 409)
            #expect(again?.message.hasSuffix(#"pod web is already assigned to node "n1""#) == true)
        }
    }

    @Test func `a dry run does everything but write`() async throws {
        try await withServer { server in
            let body: String = #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}"#
            let dry: [(name: String, value: String)] = [("dryRun", "All")]
            let made = try await server.request(.create, configMaps, query: dry, body: body)
            #expect(made.code == 201)
            #expect(try made.object(ConfigMap.self).metadata.resourceVersion.isEmpty)
            #expect(try await server.request(.list, configMaps).names.isEmpty)
            var map = try await server.createConfigMap("a")
            map.data["value"] = "2"
            let json = String(decoding: map.jsonBytes, as: UTF8.self)
            let changed = try await server.request(.update, configMaps, "a", query: dry, body: json)
            #expect(try changed.object(ConfigMap.self).data["value"] == "2")
            _ = try await server.request(.delete, configMaps, "a", query: dry)
            #expect(try await server.request(.get, configMaps, "a").object(ConfigMap.self).data["value"] == "1")
            let twice = await failure { () throws(StatusError) in
                _ = try await server.request(.create, configMaps, query: dry, body: body)
            }
            #expect(twice?.code == 409)
        }
    }

    @Test func `admission changes and refuses`() async throws {
        try await withServer(admission: [StampPlugin()]) { server in
            let made = try await server.createConfigMap("a")
            #expect(made.metadata.labels["stamped"] == "CREATE")
            let refused = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .create, configMaps, body: #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"evil"}}"#)
            }
            #expect(refused?.code == 403 && refused?.message == #"configmaps "evil" is forbidden: no"#)
            let kept = await failure { () throws(StatusError) in _ = try await server.request(.delete, configMaps, "a")
            }
            #expect(kept?.code == 403)
        }
    }

    @Test func `who may not is told so in upstream's words`() async throws {
        try await withServer(authorizer: MastersAuthorizer()) { server in
            let other = InProcessTransport(core: server.core, user: UserInfo(name: "jane"))
            let list = await failure { () throws(StatusError) in
                _ = try await other.perform(APIRequest(.list, pods, namespace: "default"))
            }
            #expect(
                list?.message
                    == #"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default""#
            )
            let get = await failure { () throws(StatusError) in
                _ = try await other.perform(APIRequest(.get, namespaces, name: "a"))
            }
            #expect(get?.code == 403)
        }
    }
}

/// Stamps what is created, refuses what is called evil, keeps everything from being deleted.
struct StampPlugin: AdmissionPlugin {
    let name: String = "Stamp"

    func handles(_ attributes: AdmissionAttributes) -> Bool { attributes.isResource(configMaps) }

    func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        try attributes.mutate(ConfigMap.self) { (map: inout ConfigMap) throws(StatusError) in
            map.metadata.labels["stamped"] = attributes.operation.rawValue
        }
    }

    func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        if attributes.name == "evil" || attributes.operation == .delete {
            throw .forbidden(attributes.info.gvr, attributes.name, "no")
        }
    }
}
