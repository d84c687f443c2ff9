import APIApps
import APICore
import APIMachinery
import APIServer
import Codec
import Testing

@Suite(.timeLimit(.minutes(5)))
struct OwnershipVerbTests {
    private static let pod: String =
        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"a":"1"}},"spec":{"containers":[{"name":"c","image":"i"}]},"status":{"phase":"Running"}}"#

    @Test func `whoever creates owns what is there after defaults, but not the status`() async throws {
        try await withServer { server in
            let pod = try await server.request(.create, pods, query: [("fieldManager", "maker")], body: Self.pod)
                .object(Pod.self)
            #expect(
                pod.metadata.owners == [
                    #"Update maker {"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:resources":{}}},"f:terminationGracePeriodSeconds":{}}}"#
                ])
            let entry = try #require(pod.metadata.managedFields.first)
            #expect(entry.time == server.time.wall.now && entry.apiVersion == "v1" && entry.fieldsType == "FieldsV1")
        }
    }

    @Test func `without a name the manager is the program of the user agent`() async throws {
        try await withServer { server in
            let client = InProcessTransport(
                core: server.core, user: UserInfo(name: "u", groups: ["system:masters"]),
                userAgent: "tool/v1 (linux)")
            let map = try await client.perform(
                APIRequest(
                    .create, configMaps, namespace: "default",
                    body: Array(
                        #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}"#.utf8))
            ).object(ConfigMap.self)
            #expect(map.metadata.owners == [#"Update tool {"f:data":{".":{},"f:k":{}}}"#])
        }
    }

    @Test func `what admission adds is nobody's`() async throws {
        struct Marker: AdmissionPlugin {
            let name = "Marker"
            func handles(_ attributes: AdmissionAttributes) -> Bool { true }
            func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
                try attributes.mutate(ConfigMap.self) { (map: inout ConfigMap) throws(StatusError) -> Void in
                    map.metadata.labels["marked"] = "yes"
                }
            }
        }
        try await withServer(admission: [Marker()]) { server in
            let map = try await server.request(
                .create, configMaps, query: [("fieldManager", "m")],
                body: #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}"#
            ).object(ConfigMap.self)
            #expect(map.metadata.labels == ["marked": "yes"])
            #expect(map.metadata.owners == [#"Update m {"f:data":{".":{},"f:k":{}}}"#])
        }
    }

    @Test func `each writer and endpoint has an entry of its own`() async throws {
        try await withServer { server in
            _ = try await server.request(.create, pods, query: [("fieldManager", "maker")], body: Self.pod)
            server.time.advance(seconds: 10)
            _ = try await server.merge(pods, "web", #"{"metadata":{"labels":{"a":"2"}}}"#, as: "labeler")
            var pod = try await server.request(.get, pods, "web").object(Pod.self)
            pod.status.phase = "Running"
            pod.spec.nodeName = "elsewhere"
            let updated = try await server.request(
                .update, pods, "web", subresource: "status", query: [("fieldManager", "kubelet")],
                body: String(decoding: pod.jsonBytes, as: UTF8.self)
            ).object(Pod.self)
            #expect(
                updated.metadata.owners == [
                    #"Update maker {"f:metadata":{"f:labels":{}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:resources":{}}},"f:terminationGracePeriodSeconds":{}}}"#,
                    #"Update kubelet/status {"f:status":{"f:phase":{}}}"#,
                    #"Update labeler {"f:metadata":{"f:labels":{"f:a":{}}}}"#,
                ])
        }
    }

    @Test func `a write that changes nothing keeps revision and times`() async throws {
        try await withServer { server in
            let map = try await server.createConfigMap("a", labels: ["l": "1"])
            server.time.advance(seconds: 10)
            let same = try await server.update(configMaps, map).object(ConfigMap.self)
            #expect(same == map)
            let patched = try await server.merge(configMaps, "a", #"{"data":{"value":"1"}}"#, as: "other")
                .object(ConfigMap.self)
            #expect(patched == map)
            // The fields of another name, and then nothing new: only the first write counts.
            let taken = try await server.merge(configMaps, "a", #"{"data":{"value":"2"}}"#, as: "other")
                .object(ConfigMap.self)
            server.time.advance(seconds: 10)
            let again = try await server.merge(configMaps, "a", #"{"data":{"value":"2"}}"#, as: "other")
                .object(ConfigMap.self)
            #expect(again == taken && taken.metadata.resourceVersion != map.metadata.resourceVersion)
        }
    }

    @Test func `clients that do not send the owners keep them, and one empty entry deletes them`() async throws {
        try await withServer { server in
            var map = try await server.createConfigMap("a")
            let owners: [ManagedFieldsEntry] = map.metadata.managedFields
            #expect(owners.count == 1)
            map.metadata.managedFields = []
            #expect(try await server.update(configMaps, map).object(ConfigMap.self).metadata.managedFields == owners)
            map.metadata.managedFields = [
                .with {
                    $0.manager = "x"
                    $0.operation = "Nonsense"
                    $0.apiVersion = "v1"
                    $0.fieldsType = "FieldsV1"
                }
            ]
            #expect(try await server.update(configMaps, map).object(ConfigMap.self).metadata.managedFields == owners)
            map.metadata.managedFields = [ManagedFieldsEntry()]
            #expect(try await server.update(configMaps, map).object(ConfigMap.self).metadata.managedFields == [])
            _ = try await server.request(.delete, configMaps, "a")
            _ = try await server.createConfigMap("a")
            let empty: String =
                #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","managedFields":[]},"data":{"value":"1"}}"#
            let reset = try await server.request(.update, configMaps, "a", body: empty).object(ConfigMap.self)
            #expect(reset.metadata.managedFields == [])
        }
    }

    @Test func `a client may write the owners as it wants them`() async throws {
        try await withServer { server in
            var map = try await server.createConfigMap("a")
            map.metadata.managedFields[0].manager = "renamed"
            map.metadata.managedFields[0].operation = "Apply"
            let renamed = try await server.update(configMaps, map).object(ConfigMap.self)
            #expect(renamed.metadata.managedFields == map.metadata.managedFields)
            #expect(renamed.metadata.resourceVersion != map.metadata.resourceVersion)
            let patched = try await server.request(
                .patch, configMaps, "a",
                body: #"[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]"#,
                type: "application/json-patch+json"
            ).object(ConfigMap.self)
            #expect(patched.metadata.managedFields == [])
        }
    }

    @Test func `an endpoint for a part of the object does not change its owners but by writing`() async throws {
        try await withServer { server in
            _ = try await server.request(.create, pods, query: [("fieldManager", "maker")], body: Self.pod)
            let pod = try await server.merge(
                pods, "web", #"{"metadata":{"managedFields":[{}]},"status":{"phase":"Failed"}}"#, as: "k",
                subresource: "status"
            ).object(Pod.self)
            #expect(pod.metadata.managedFields.map(\.manager).sorted() == ["k", "maker"])
        }
    }

    @Test func `what the server does for itself has no owner`() async throws {
        try await withServer { server in
            _ = try await server.request(.create, pods, query: [("fieldManager", "maker")], body: Self.pod)
            let before = try await server.request(.get, pods, "web").object(Pod.self).metadata.managedFields
            _ = try await server.request(
                .create, pods, "web", subresource: "binding",
                body:
                    #"{"apiVersion":"v1","kind":"Binding","metadata":{"name":"web"},"target":{"kind":"Node","name":"n"}}"#
            )
            let bound = try await server.request(.get, pods, "web").object(Pod.self)
            #expect(bound.spec.nodeName == "n" && bound.metadata.managedFields == before)
        }
    }
}
