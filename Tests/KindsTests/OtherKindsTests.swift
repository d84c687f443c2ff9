import APICore
import APIEvents
import APIMachinery
import APINetworking
import APIRBAC
import APIServer
import APIValidation
import Codec
import Testing

struct OtherKindsTests {
    private func strategy<Object: APIObject>(_ type: Object.Type) throws -> PlainStrategy<Object> {
        let found: (any ResourceStrategy)? = KindRegistrations.all().first { $0.info.gvk == Object.gvk }
        return try #require(found as? PlainStrategy<Object>)
    }

    @Test func `an immutable config map stays as it is`() throws {
        let old: ConfigMap = try object(#"{"metadata":{"name":"m"},"immutable":true,"data":{"a":"1"}}"#)
        var new: ConfigMap = old
        new.data["a"] = "2"
        new.immutable = false
        #expect(
            new.validateUpdate(of: old).texts == [
                "immutable: Forbidden: field is immutable when `immutable` is set",
                "data: Forbidden: field is immutable when `immutable` is set",
            ])
        var large: ConfigMap = ConfigMap()
        large.data["a"] = String(repeating: "x", count: 1_048_577)
        #expect(large.validate().texts == ["[]: Too long: may not be more than 1048576 bytes"])
    }

    @Test func `a secret's text becomes data, and its type decides the keys`() throws {
        let secrets: PlainStrategy<Secret> = try strategy(Secret.self)
        let made: Secret = secrets.created(
            try object(#"{"metadata":{"name":"s"},"stringData":{"a":"text"},"data":{"a":"AA=="}}"#))
        #expect(made.type == "Opaque" && made.data["a"] == Array("text".utf8) && made.stringData.isEmpty)
        let tls: Secret = try object(#"{"type":"kubernetes.io/tls","data":{"tls.crt":"AA=="}}"#)
        #expect(tls.validate().texts == ["data[tls.key]: Required value"])
    }

    @Test func `a namespace has its finalizer and its label, and waits for the former`() throws {
        let strategy = NamespaceStrategy()
        var made: Namespace = strategy.created(try object(#"{"metadata":{"name":"red"}}"#))
        #expect(made.spec.finalizers == ["kubernetes"] && made.status.phase == "Active")
        #expect(made.metadata.labels == ["kubernetes.io/metadata.name": "red"])
        #expect(strategy.isHeldBack(made))
        var emptied: Namespace = made
        emptied.spec.finalizers = []
        #expect(strategy.updated(emptied, from: made).spec.finalizers == ["kubernetes"])
        strategy.prepareForUpdate(&emptied, old: made, subresource: "finalize", context: .test(subresource: "finalize"))
        #expect(!strategy.isHeldBack(emptied))
        strategy.markDeleted(&made)
        #expect(strategy.row(made) == ["red", "Terminating", "<unknown>"])
    }

    @Test func `a role binding keeps its role, and subjects get their group`() throws {
        let bindings: PlainStrategy<RoleBinding> = try strategy(RoleBinding.self)
        let old: RoleBinding = bindings.created(
            try object(
                #"{"metadata":{"name":"b"},"roleRef":{"kind":"Role","name":"r"},"#
                    + #""subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","name":"s","namespace":"n"}]}"#)
        )
        #expect(old.roleRef.apiGroup == "rbac.authorization.k8s.io" && old.subjects[1].apiGroup.isEmpty)
        #expect(old.validate().isEmpty)
        #expect(bindings.row(old) == ["b", "Role/r", "<unknown>", "u", "", "n/s"])
        var new: RoleBinding = old
        new.roleRef.name = "other"
        #expect(new.validateUpdate(of: old).texts.first?.hasSuffix("cannot change roleRef") == true)
        let role: Role = try object(#"{"rules":[{"verbs":[],"apiGroups":[""],"resources":["pods"]}]}"#)
        #expect(role.validate().texts == ["rules[0].verbs: Required value: verbs must contain at least one value"])
    }

    @Test func `both kinds of event are one`() throws {
        let strategy = EventsEventStrategy()
        let event: APIEvents.Event = try object(
            #"{"metadata":{"name":"e","namespace":"default"},"eventTime":"1970-01-12T13:46:00.000000Z","#
                + #""reportingController":"k8s.io/test","reportingInstance":"me","action":"Do","reason":"Done","#
                + #""regarding":{"kind":"Pod","namespace":"default","name":"web"},"note":" hello ","type":"Normal"}"#)
        #expect(strategy.validateCreate(event, context: .test()).isEmpty)
        let core = APICore.Event(event)
        #expect(core.involvedObject.name == "web" && core.message == " hello ")
        #expect(APIEvents.Event(core) == event)
        let cells: [String] = strategy.row(event)
        #expect(cells[0...3] == ["40s", "Normal", "Done", "pod/web"])
        #expect(cells[6] == "hello" && cells[8] == "1")
        var changed: APIEvents.Event = event
        changed.note = "other"
        #expect(changed.validateUpdate(of: event).texts == [#"message: Invalid value: "other": field is immutable"#])
    }

    @Test func `network policies and ingresses are checked`() throws {
        let policies: PlainStrategy<NetworkPolicy> = try strategy(NetworkPolicy.self)
        let policy: NetworkPolicy = policies.created(
            try object(
                #"{"metadata":{"name":"p"},"spec":{"podSelector":{},"egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","#
                    + #""except":["11.0.0.0/16"]}}]}]}}"#))
        #expect(policy.spec.policyTypes == ["Ingress", "Egress"])
        #expect(
            policy.validate().texts == [
                #"spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`"#
            ])
        let ingress: Ingress = try object(
            #"{"spec":{"rules":[{"http":{"paths":[{"path":"a","pathType":"Prefix","backend":{"service":{"name":"s"}}}]}}]}}"#
        )
        #expect(
            ingress.validateCreate().texts == [
                #"spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path"#,
                "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
            ])
    }

    @Test func `a claim that is bound may only grow`() throws {
        let claims: PlainStrategy<PersistentVolumeClaim> = try strategy(PersistentVolumeClaim.self)
        var old: PersistentVolumeClaim = claims.created(
            try object(
                #"{"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],"#
                    + #""resources":{"requests":{"storage":"1Gi"}}}}"#))
        #expect(old.status.phase == "Pending" && old.spec.volumeMode == "Filesystem" && old.validate().isEmpty)
        var bound: PersistentVolumeClaim = old
        bound.spec.volumeName = "pv-1"
        #expect(bound.validateUpdate(of: old).isEmpty)
        bound.status.phase = "Bound"
        old = bound
        bound.spec.resources.requests["storage"] = try Quantity("2Gi")
        #expect(bound.validateUpdate(of: old).isEmpty)
        bound.spec.accessModes = ["ReadOnlyMany"]
        #expect(bound.validateUpdate(of: old).texts.first?.hasPrefix("spec: Forbidden: spec is immutable") == true)
        #expect(claims.row(old)[1...4] == ["Bound", "pv-1", "0", ""])
    }

    @Test func `nodes show roles and readiness`() throws {
        let node: Node = try object(
            #"{"metadata":{"name":"n","labels":{"node-role.kubernetes.io/control-plane":""}},"#
                + #""spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}],"#
                + #""nodeInfo":{"kubeletVersion":"v1.34.0"},"addresses":[{"type":"InternalIP","address":"10.0.0.1"}]}}"#
        )
        let cells: [String] = NodeStrategy().row(node)
        #expect(cells[0...2] == ["n", "Ready,SchedulingDisabled", "control-plane"])
        #expect(cells[4...6] == ["v1.34.0", "10.0.0.1", "<none>"])
    }
}
