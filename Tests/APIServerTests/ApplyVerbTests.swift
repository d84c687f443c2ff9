import APIApps
import APIAutoscaling
import APICore
import APIMachinery
import APIServer
import Codec
import Synchronization
import Testing

extension TestServer {
    func apply(
        _ gvr: GroupVersionResource, _ name: String, _ body: String, as manager: String = "me",
        subresource: String = "", query: [(name: String, value: String)] = []
    ) async throws(StatusError) -> APIResponse {
        try await request(
            .patch, gvr, name, subresource: subresource, query: [("fieldManager", manager)] + query, body: body,
            type: "application/apply-patch+yaml")
    }

    func merge(
        _ gvr: GroupVersionResource, _ name: String, _ body: String, as manager: String, subresource: String = ""
    ) async throws(StatusError) -> APIResponse {
        try await request(
            .patch, gvr, name, subresource: subresource, query: [("fieldManager", manager)], body: body,
            type: "application/merge-patch+json")
    }
}

extension ObjectMeta {
    /// The owners in short: `Apply me {"f:data":{"f:a":{}}}`.
    var owners: [String] {
        managedFields.map { entry in
            let subresource: String = entry.subresource.isEmpty ? "" : "/" + entry.subresource
            return "\(entry.operation) \(entry.manager)\(subresource) \(entry.fieldsV1?.description ?? "")"
        }
    }
}

@Suite(.timeLimit(.minutes(5)))
struct ApplyVerbTests {
    private static let map: String =
        #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"}}"#
    private static let deployment: String = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - name: c
                image: i
        """

    @Test func `an apply creates what is not there, and then changes it`() async throws {
        try await withServer { server in
            let made = try await server.apply(configMaps, "a", Self.map)
            #expect(made.code == 201)
            let object = try made.object(ConfigMap.self)
            #expect(object.data == ["x": "1"] && object.metadata.uid.utf8.count == 36)
            #expect(object.metadata.namespace == "default")
            #expect(object.metadata.owners == [#"Apply me {"f:data":{"f:x":{}}}"#])
            let entry = try #require(object.metadata.managedFields.first)
            #expect(entry.apiVersion == "v1" && entry.fieldsType == "FieldsV1" && entry.time == server.time.wall.now)
            server.time.advance(seconds: 5)
            let again = try await server.apply(configMaps, "a", Self.map)
            #expect(again.code == 200)
            #expect(try again.object(ConfigMap.self) == object)
            let changed = try await server.apply(
                configMaps, "a", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {z: '2'}\n"
            ).object(ConfigMap.self)
            #expect(changed.data == ["z": "2"])
            #expect(changed.metadata.managedFields.first?.time == server.time.wall.now)
            #expect(try await server.request(.get, configMaps, "a").object(ConfigMap.self) == changed)
        }
    }

    @Test func `a dry run tells what would be, and writes nothing`() async throws {
        try await withServer { server in
            let made = try await server.apply(configMaps, "a", Self.map, query: [("dryRun", "All")])
            #expect(made.code == 201)
            #expect(try await server.request(.list, configMaps).names == [])
            _ = try await server.apply(configMaps, "a", Self.map)
            let shown = try await server.apply(
                configMaps, "a", Self.map.replacing(#""1""#, with: #""2""#), query: [("dryRun", "All")]
            ).object(ConfigMap.self)
            #expect(shown.data == ["x": "2"])
            #expect(try await server.request(.get, configMaps, "a").object(ConfigMap.self).data == ["x": "1"])
        }
    }

    @Test func `a conflict is told in upstream's words, and force ends it`() async throws {
        try await withServer { server in
            _ = try await server.apply(deployments, "web", Self.deployment)
            _ = try await server.merge(deployments, "web", #"{"spec":{"replicas":5}}"#, as: "kubectl-patch")
            let error = await failure { () throws(StatusError) in
                _ = try await server.apply(deployments, "web", Self.deployment)
            }
            #expect(error?.code == 409 && error?.reason == "Conflict")
            #expect(
                error?.message
                    == #"Apply failed with 1 conflict: conflict with "kubectl-patch" using apps/v1: .spec.replicas"#)
            #expect(error?.causes.map(\.field) == [".spec.replicas"])
            #expect(error?.causes.map(\.reason) == ["FieldManagerConflict"])
            let forced = try await server.apply(deployments, "web", Self.deployment, query: [("force", "true")])
                .object(Deployment.self)
            #expect(forced.spec.replicas == 2)
            #expect(forced.metadata.managedFields.map(\.manager) == ["me"])
        }
    }

    @Test func `wrong applies are refused in upstream's words`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("a")
            let uid: String = #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n","uid":"u"}}"#
            let cases: [(name: String, body: String, code: Int, message: String)] = [
                ("a", "{", 400, "error decoding YAML"),
                ("a", "text", 400, "error decoding YAML"),
                ("a", "{}", 400, "invalid object type: /, Kind="),
                ("a", Self.map.replacing("ConfigMap", with: "Secret"), 400, "invalid object type: /v1, Kind=Secret"),
                (
                    "a", Self.map.replacing(#""v1""#, with: #""apps/v1""#), 400,
                    "invalid object type: apps/v1, Kind=ConfigMap"
                ),
                (
                    "b", Self.map, 400, "the name of the object (a) does not match the name on the URL (b)"
                ),
                (
                    "a", Self.map.replacing(#""name":"a""#, with: #""name":"a","managedFields":[]"#), 400,
                    "metadata.managedFields must be nil"
                ),
                (
                    "a", Self.map.replacing(#""name":"a""#, with: #""name":"a","namespace":"other""#), 400,
                    "the namespace of the provided object does not match the namespace sent on the request"
                ),
                (
                    "a", Self.map.replacing(#""x""#, with: #""foo":1,"x""#), 500,
                    "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.foo: expected string, got &value.valueUnstructured{Value:1}"
                ),
                (
                    "a", Self.map.replacing(#""data""#, with: #""foo":1,"data""#), 500,
                    "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .foo: field not declared in schema"
                ),
                (
                    "a", Self.map.replacing(#""name":"a""#, with: #""name":"a","resourceVersion":"999""#), 409,
                    #"Operation cannot be fulfilled on configmaps "a""#
                ),
                (
                    "a", Self.map.replacing(#""name":"a""#, with: #""name":"a","uid":"u""#), 409,
                    #"Operation cannot be fulfilled on configmaps "a": Precondition failed: UID in precondition: u"#
                ),
                (
                    "n", uid, 409,
                    #"Operation cannot be fulfilled on configmaps "n": uid mismatch: the provided object specified uid u, and no existing object was found"#
                ),
                (
                    "n", #"{"apiVersion":"v1","kind":"ConfigMap"}"#, 400,
                    "the name of the object (n based on URL) was undeterminable: name must be provided"
                ),
            ]
            for item in cases {
                let error = await failure { () throws(StatusError) in
                    _ = try await server.apply(configMaps, item.name, item.body)
                }
                #expect(error?.code == item.code, "\(item.body): \(error?.message ?? "")")
                #expect(error?.message.hasPrefix(item.message) == true, "\(error?.message ?? "")")
            }
            #expect(try await server.request(.list, configMaps).names == ["a"])
        }
    }

    @Test func `an apply needs a manager, and only an apply may force`() async throws {
        try await withServer { server in
            let unnamed = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .patch, configMaps, "a", body: Self.map, type: "application/apply-patch+yaml")
            }
            #expect(unnamed?.code == 422)
            #expect(
                unnamed?.message
                    == #"PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch"#
            )
            let forced = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .patch, configMaps, "a", query: [("force", "true")], body: "{}",
                    type: "application/merge-patch+json")
            }
            #expect(forced?.code == 422)
            let type = await failure { () throws(StatusError) in
                _ = try await server.request(.patch, configMaps, "a", body: "{}", type: "application/apply-patch+cbor")
            }
            #expect(type?.code == 415)
            #expect(type?.message.contains("application/apply-patch+yaml") == true)
        }
    }

    @Test func `what the configuration says twice warns, or is refused`() async throws {
        try await withServer { server in
            let twice: String = Self.map.replacing(#""x":"1""#, with: #""x":"1","x":"2""#)
            let warned = try await server.apply(configMaps, "a", twice)
            #expect(warned.warnings == [#"duplicate field "data.x""#])
            let strict = await failure { () throws(StatusError) in
                _ = try await server.apply(configMaps, "a", twice, query: [("fieldValidation", "Strict")])
            }
            #expect(strict?.code == 400)
            #expect(strict?.message == #"error strict decoding YAML: duplicate field "data.x""#)
            #expect(
                try await server.apply(configMaps, "a", twice, query: [("fieldValidation", "Ignore")]).warnings == [])
        }
    }

    @Test func `whoever may not create may apply only to what is there`() async throws {
        struct NoCreates: Authorizer {
            func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
                attributes.verb == "create" && attributes.name == "a" ? .noOpinion(reason: "no") : .allow(reason: "")
            }
        }
        try await withServer(authorizer: NoCreates()) { server in
            let error = await failure { () throws(StatusError) in
                _ = try await server.apply(configMaps, "a", Self.map)
            }
            #expect(error?.code == 403)
            #expect(error?.message.contains(#"User "tester" cannot create resource "configmaps""#) == true)
            _ = try await server.createConfigMap("a")
            #expect(try await server.apply(configMaps, "a", Self.map).code == 200)
        }
    }

    @Test func `an apply passes admission and validation as what it is`() async throws {
        try await withServer { server in
            let invalid = await failure { () throws(StatusError) in
                _ = try await server.apply(
                    pods, "web", #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{}}"#)
            }
            #expect(invalid?.code == 422)
            let pod: String =
                #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"c","image":"i"}]},"status":{"phase":"Running"}}"#
            let made = try await server.apply(pods, "web", pod).object(Pod.self)
            #expect(made.spec.terminationGracePeriodSeconds == 30)
            #expect(made.status.phase == "")
            #expect(
                made.metadata.owners == [
                    #"Apply me {"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}}"#
                ])
        }
    }

    @Test func `a status is applied at its own endpoint, and never created`() async throws {
        try await withServer { server in
            let body: String =
                #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"nodeName":"n"},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"#
            let absent = await failure { () throws(StatusError) in
                _ = try await server.apply(pods, "web", body, as: "k", subresource: "status")
            }
            #expect(absent?.code == 404)
            _ = try await server.request(
                .create, pods,
                body:
                    #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"c","image":"i"}]}}"#
            )
            let pod = try await server.apply(pods, "web", body, as: "k", subresource: "status").object(Pod.self)
            #expect(pod.status.phase == "Running" && pod.spec.nodeName == "")
            #expect(
                pod.metadata.owners.first
                    == #"Apply k/status {"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:status":{},"f:type":{}}},"f:phase":{}}}"#
            )
        }
    }

    @Test func `two who apply at once both get what they want`() async throws {
        try await withServer { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        let body: String =
                            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"shared"},"data":{"w\#(writer)":"1"}}"#
                        _ = try await server.apply(configMaps, "shared", body, as: "w\(writer)")
                    }
                }
                try await group.waitForAll()
            }
            let map = try await server.request(.get, configMaps, "shared").object(ConfigMap.self)
            #expect(map.data.count == 8)
            #expect(Set(map.metadata.managedFields.map(\.manager)).count == 8)
        }
    }

    @Test func `kubectl takes over what it applied on the client's side`() async throws {
        try await withServer { server in
            let configuration: String =
                #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"annotations":{},"name":"a","namespace":"default"},"data":{"x":"1"}}"#
            let annotation: String = JSONValue.string(configuration).description
            _ = try await server.request(
                .create, configMaps, query: [("fieldManager", "kubectl-client-side-apply")],
                body:
                    #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":\#(annotation)}},"data":{"x":"1"}}"#
            )
            let changed: String = Self.map.replacing(#""1""#, with: #""2""#)
            let other = await failure { () throws(StatusError) in
                _ = try await server.apply(configMaps, "a", changed, as: "other")
            }
            #expect(other?.message.contains(#"conflict with "kubectl-client-side-apply" using v1: .data.x"#) == true)
            let map = try await server.apply(configMaps, "a", changed, as: "kubectl").object(ConfigMap.self)
            #expect(map.data == ["x": "2"])
            #expect(
                map.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]
                    == #"{"apiVersion":"v1","data":{"x":"2"},"kind":"ConfigMap","metadata":{"name":"a"}}"# + "\n")
        }
    }

    @Test func `an object without owners gets them with its first apply`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("a", labels: ["l": "1"])
            _ = try await server.merge(configMaps, "a", #"{"metadata":{"managedFields":[{}]}}"#, as: "u")
            let bare = try await server.merge(configMaps, "a", #"{"data":{"z":"1"}}"#, as: "u").object(ConfigMap.self)
            #expect(bare.metadata.managedFields == [])
            let map = try await server.apply(configMaps, "a", Self.map).object(ConfigMap.self)
            #expect(
                map.metadata.owners == [
                    #"Apply me {"f:data":{"f:x":{}}}"#,
                    #"Update before-first-apply {"f:data":{".":{},"f:value":{},"f:z":{}},"f:metadata":{"f:labels":{".":{},"f:l":{}}}}"#,
                ])
        }
    }

    // MARK: - Scale

    @Test func `a scale is applied, and its owner is known to the object`() async throws {
        try await withServer { server in
            _ = try await server.apply(deployments, "web", Self.deployment)
            let scale: String =
                #"{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"web"},"spec":{"replicas":7}}"#
            let conflict = await failure { () throws(StatusError) in
                _ = try await server.apply(deployments, "web", scale, as: "scaler", subresource: "scale")
            }
            #expect(conflict?.message == #"Apply failed with 1 conflict: conflict with "me": .spec.replicas"#)
            let wrong = await failure { () throws(StatusError) in
                _ = try await server.apply(deployments, "web", Self.deployment, as: "scaler", subresource: "scale")
            }
            #expect(wrong?.code == 400 && wrong?.message == "invalid object type: apps/v1, Kind=Deployment")
            let answer = try await server.apply(
                deployments, "web", scale, as: "scaler", subresource: "scale", query: [("force", "true")])
            guard case .json(let json) = answer.body else {
                Issue.record("a scale is answered as JSON")
                return
            }
            let shown = try JSONReader.decode(Scale.self, from: json)
            #expect(shown.spec.replicas == 7)
            #expect(shown.metadata.owners == [#"Apply scaler/scale {"f:spec":{"f:replicas":{}}}"#])
            let deployment = try await server.request(.get, deployments, "web").object(Deployment.self)
            #expect(
                deployment.metadata.managedFields.map { "\($0.manager) \($0.subresource)" } == ["scaler scale", "me "])
            let unscaled: String = Self.deployment.replacing("  replicas: 2\n", with: "")
            let kept = try await server.apply(deployments, "web", unscaled).object(Deployment.self)
            #expect(kept.spec.replicas == 7)
        }
    }

    @Test func `whoever scales takes the number from whoever had it`() async throws {
        try await withServer { server in
            _ = try await server.apply(deployments, "web", Self.deployment)
            _ = try await server.merge(
                deployments, "web", #"{"spec":{"replicas":4}}"#, as: "kubectl", subresource: "scale")
            let deployment = try await server.request(.get, deployments, "web").object(Deployment.self)
            #expect(deployment.spec.replicas == 4)
            let scaler = try #require(deployment.metadata.managedFields.first { $0.subresource == "scale" })
            #expect(scaler.manager == "kubectl" && scaler.operation == "Update" && scaler.apiVersion == "apps/v1")
            #expect(scaler.fieldsV1 == #"{"f:spec":{"f:replicas":{}}}"#)
            let mine = try #require(deployment.metadata.managedFields.first { $0.manager == "me" })
            #expect(mine.fieldsV1?.description.contains("f:replicas") == false)
        }
    }
}
