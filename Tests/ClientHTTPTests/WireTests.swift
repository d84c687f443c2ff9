import APICore
import APIMachinery
import Client
import Codec
import Testing

@testable import ClientHTTP

@Suite struct WireTests {
    private let event =
        #"{"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"12"},"data":{"k":"line\nbreak"}}}"#

    @Test func `an object's revision is cut out of its bytes and goes back in its place`() throws {
        var decoder = WatchDecoder()
        let (events, failure) = decoder.receive(Array((event + "\n").utf8))
        #expect(failure == nil)
        let snapshot: Snapshot = try #require(events.first).object
        #expect(snapshot.revision == 12)
        #expect(snapshot.name == "a" && snapshot.namespace == "n")
        #expect(!String(decoding: snapshot.bytes, as: UTF8.self).contains("resourceVersion"))
        #expect(event.contains(String(decoding: snapshot.stamped(), as: UTF8.self)))
        #expect(try snapshot.decode(ConfigMap.self).data["k"] == "line\nbreak")
    }

    @Test func `events come whole however their bytes are cut`() {
        let bytes: [UInt8] = Array((event + "\n\n" + event + "\r\n").utf8)
        for cut in 0...bytes.count {
            var decoder = WatchDecoder()
            var events: [WatchEvent] = decoder.receive(bytes[..<cut]).events
            events += decoder.receive(bytes[cut...]).events
            #expect(events.map(\.object.revision) == [12, 12], "cut at \(cut)")
        }
    }

    @Test func `an error ends a watch after the events before it`() {
        let error = #"{"type":"ERROR","object":{"kind":"Status","status":"Failure","reason":"Expired","code":410}}"#
        var decoder = WatchDecoder()
        let (events, failure) = decoder.receive(Array((event + "\n" + error + "\n").utf8))
        #expect(events.count == 1)
        #expect(failure?.isExpired == true)
        for line in ["{\n", "{}\n", #"{"type":"ODD","object":{}}"# + "\n"] {
            var decoder = WatchDecoder()
            #expect({ decoder.receive(Array(line.utf8)).failure?.isInternalError == true }(), "\(line)")
        }
    }

    @Test(arguments: [
        #"{"metadata":{"resourceVersion":"7","name":"a"}}"#, #"{"metadata": {"name": "a", "resourceVersion": "7"}}"#,
    ]) func `a revision in an unusual place stays where it is`(text: String) throws {
        let request = APIRequest(.get, ConfigMap.resource, namespace: "n", name: "a")
        let answer = RawResponse(code: 200, body: Array(text.utf8), contentType: "", warnings: [])
        guard case .object(let snapshot) = try request.response(answer).body else {
            Issue.record("an object is an object")
            return
        }
        #expect(snapshot.revision == 7)
        #expect(snapshot.stamped() == Array(text.utf8))
        #expect(try snapshot.decode(ConfigMap.self).metadata.resourceVersion == "7")
    }

    @Test func `the items of a list say what they are`() throws {
        let text =
            #"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"c","remainingItemCount":3},"items":[{"metadata":{"name":"a","resourceVersion":"5"}}]}"#
        let answer = RawResponse(code: 200, body: Array(text.utf8), contentType: "", warnings: [])
        guard
            case .list(let items, let revision, let token, let remaining) = try APIRequest(.list, Pod.resource)
                .response(answer).body
        else {
            Issue.record("a list is a list")
            return
        }
        #expect(revision == 9 && token == "c" && remaining == 3)
        #expect(
            items.map { String(decoding: $0.stamped(), as: UTF8.self) }
                == [#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","resourceVersion":"5"}}"#])
    }

    @Test func `paths and queries are encoded`() {
        var request = APIRequest(
            .watch, Pod.resource, namespace: "n", query: [("labelSelector", "app in (a,b),x=ü")])
        #expect(
            request.pathAndQuery
                == "/api/v1/namespaces/n/pods?labelSelector=app%20in%20%28a%2Cb%29%2Cx%3D%C3%BC&watch=true")
        request = APIRequest(
            .get, GroupVersionResource(group: "apps", version: "v1", resource: "deployments"), namespace: "n",
            name: "a/b?c:d", subresource: "scale")
        #expect(request.pathAndQuery == "/apis/apps/v1/namespaces/n/deployments/a%2Fb%3Fc:d/scale")
    }
}

@Suite struct KubeconfigTests {
    private let text = """
        apiVersion: v1
        kind: Config
        current-context: one
        clusters:
        - name: c
          cluster: {server: "https://[::1]:6443/prefix/", certificate-authority-data: Q0E=, tls-server-name: kubernetes}
        - name: d
          cluster: {server: "https://example.org", insecure-skip-tls-verify: true}
        users:
        - name: u
          user: {client-certificate-data: Q0VSVA==, client-key: keys/u.key}
        - name: t
          user: {token: abc, tokenFile: /run/token}
        - name: e
          user: {exec: {command: login}}
        contexts:
        - {name: one, context: {cluster: c, user: u, namespace: prod}}
        - {name: two, context: {cluster: d, user: t}}
        - {name: three, context: {cluster: d, user: e}}
        - {name: four, context: {cluster: missing}}
        """

    @Test func `contexts join clusters and users`() throws {
        let file = try Kubeconfig(Array(text.utf8), folder: "/etc")
        let one: ClientConfiguration = try file.configuration()
        #expect(one.host == "::1" && one.port == 6443 && one.scheme == "https" && one.pathPrefix == "/prefix")
        #expect(one.trust == .authorities(.bytes(Array("CA".utf8))))
        #expect(one.serverName == "kubernetes" && one.namespace == "prod")
        #expect(one.credential == .certificate(chain: .bytes(Array("CERT".utf8)), key: .file("/etc/keys/u.key")))
        let two: ClientConfiguration = try file.configuration(context: "two")
        #expect(two.port == 443 && two.trust == .anything && two.credential == .token(.file("/run/token")))
    }

    @Test(arguments: [
        ("three", "user \"e\" needs an exec plugin, which is not supported"),
        ("four", "cluster \"missing\" does not exist"), ("five", "context \"five\" does not exist"),
    ]) func `what is missing is named`(context: String, message: String) throws {
        let file = try Kubeconfig(Array(text.utf8))
        #expect(throws: ConfigurationError(message)) { try file.configuration(context: context) }
    }

    @Test(arguments: ["", "https://", "https://host:port", "https://[::1", "host:70000"])
    func `addresses that are none are refused`(server: String) {
        #expect(throws: ConfigurationError.self) { try ClientConfiguration(server: server) }
    }
}
