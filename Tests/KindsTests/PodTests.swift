import APICore
import APIDefaults
import APIMachinery
import APIServer
import APIValidation
import Codec
import Testing

struct PodTests {
    private let strategy = PodStrategy()

    private func pod(_ spec: String) throws -> Pod {
        strategy.created(try object(#"{"metadata":{"name":"web","namespace":"default"},"spec":\#(spec)}"#))
    }

    // MARK: - Defaults

    @Test func `a small pod is filled in`() throws {
        let pod: Pod = try pod(#"{"containers":[{"name":"c","image":"nginx","ports":[{"containerPort":80}]}]}"#)
        #expect(
            json(pod.spec)
                == #"{"containers":[{"name":"c","image":"nginx","ports":[{"containerPort":80,"protocol":"TCP"}],"#
                + #""resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","#
                + #""imagePullPolicy":"Always"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"#
                + #""dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler","#
                + #""enableServiceLinks":true}"#)
        #expect(pod.status.phase == "Pending")
        #expect(pod.status.qosClass == "BestEffort")
        #expect(pod.metadata.generation == 1)
        #expect(pod.validate().isEmpty)
    }

    @Test(arguments: [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.27", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"), ("localhost:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"), ("nginx:latest@sha256:0123", "Always"),
    ])
    func `the pull policy follows the tag`(image: String, policy: String) {
        #expect(ImageReference.defaultPullPolicy(image) == policy)
    }

    @Test func `limits become requests, and amounts decide the class`() throws {
        func made(_ resources: String) throws -> Pod {
            try pod(#"{"containers":[{"name":"c","image":"a","resources":\#(resources)}]}"#)
        }
        let limited: Pod = try made(#"{"limits":{"cpu":"1","memory":"1Gi"}}"#)
        #expect(limited.spec.containers[0].resources.requests == limited.spec.containers[0].resources.limits)
        #expect(limited.status.qosClass == "Guaranteed")
        #expect(try made(#"{"requests":{"cpu":"100m"}}"#).status.qosClass == "Burstable")
        #expect(try made(#"{"limits":{"cpu":"1"}}"#).status.qosClass == "Burstable")
        #expect(try made("{}").status.qosClass == "BestEffort")
    }

    @Test func `volumes, probes and references are filled in`() throws {
        let pod: Pod = try pod(
            #"""
            {"hostNetwork":true,"serviceAccount":"robot",
             "volumes":[{"name":"a"},{"name":"b","configMap":{"name":"m"}},
              {"name":"p","projected":{"sources":[{"serviceAccountToken":{"path":"token"}}]}},
              {"name":"h","hostPath":{"path":"/x"}}],
             "containers":[{"name":"c","image":"a:1","ports":[{"containerPort":80}],
              "env":[{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}],
              "livenessProbe":{"httpGet":{"port":80}}}]}
            """#)
        #expect(pod.spec.volumes[0].emptyDir != nil)
        #expect(pod.spec.volumes[1].configMap?.defaultMode == 0o644)
        #expect(pod.spec.volumes[2].projected?.sources[0].serviceAccountToken?.expirationSeconds == 3_600)
        #expect(pod.spec.volumes[3].hostPath?.type == "")
        #expect(pod.spec.serviceAccountName == "robot")
        let container: Container = pod.spec.containers[0]
        #expect(container.ports[0].hostPort == 80)
        #expect(container.env[0].valueFrom?.fieldRef?.apiVersion == "v1")
        let probe: Probe = try #require(container.livenessProbe)
        #expect(
            [probe.timeoutSeconds, probe.periodSeconds, probe.successThreshold, probe.failureThreshold] == [
                1, 10, 1, 3,
            ])
        #expect(probe.httpGet?.path == "/" && probe.httpGet?.scheme == "HTTP")
        #expect(pod.validate().isEmpty)
    }

    @Test func `gates and label keys are worked into a new pod`() throws {
        var given: Pod = try object(
            #"""
            {"metadata":{"name":"web","labels":{"hash":"7"}},
             "spec":{"schedulingGates":[{"name":"example.com/wait"}],"containers":[{"name":"c","image":"a"}],
              "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule",
               "labelSelector":{},"matchLabelKeys":["hash"]}]}}
            """#)
        given = strategy.created(given)
        #expect(given.status.conditions.first?.reason == "SchedulingGated")
        #expect(given.spec.topologySpreadConstraints[0].labelSelector?.matchExpressions.first?.values == ["7"])
    }

    // MARK: - Deletion

    @Test func `only a pod that runs somewhere is given time`() throws {
        var pod: Pod = try pod(#"{"containers":[{"name":"c","image":"a"}]}"#)
        func plan(_ seconds: Int?) -> Int {
            switch strategy.gracefulDeletion(pod, options: DeletionRequest(gracePeriodSeconds: seconds)) {
            case .immediate: return 0
            case .graceful(let seconds): return seconds
            }
        }
        #expect(plan(nil) == 0)
        pod.spec.nodeName = "node-1"
        #expect(plan(nil) == 30)
        #expect(plan(5) == 5)
        #expect(plan(0) == 0)
        #expect(plan(-3) == 1)
        pod.status.phase = "Succeeded"
        #expect(plan(nil) == 0)
    }

    // MARK: - Validation

    private static let minimal = #""containers":[{"name":"c","image":"a"}]"#

    @Test(arguments: [
        (#"{"containers":[]}"#, "spec.containers: Required value"),
        (#"{"containers":[{"name":"c"}]}"#, "spec.containers[0].image: Required value"),
        (#"{"containers":[{"image":"a"}]}"#, "spec.containers[0].name: Required value"),
        (
            #"{"containers":[{"name":"c","image":"a"},{"name":"c","image":"a"}]}"#,
            #"spec.containers[1].name: Duplicate value: "c""#
        ),
        (
            #"{"containers":[{"name":"c","image":"a","imagePullPolicy":"Sometimes"}]}"#,
            #"spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": "#
                + #"supported values: "Always", "IfNotPresent", "Never""#
        ),
        (
            #"{"containers":[{"name":"c","image":"a","resources":{"limits":{"cpu":"500m"},"requests":{"cpu":"1"}}}]}"#,
            #"spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m"#
        ),
        (
            #"{"containers":[{"name":"c","image":"a","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}"#,
            #"spec.containers[0].volumeMounts[0].name: Not found: "v""#
        ),
        (
            #"{"containers":[{"name":"c","image":"a","livenessProbe":{}}]}"#,
            "spec.containers[0].livenessProbe: Required value: must specify a handler type"
        ),
        (
            #"{"containers":[{"name":"c","image":"a","env":[{"name":"A","value":"x","valueFrom":{"#
                + #""secretKeyRef":{"name":"s","key":"k"}}}]}]}"#,
            #"spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty"#
        ),
        (
            #"{\#(minimal),"restartPolicy":"Maybe"}"#,
            #"spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never""#
        ),
        (
            #"{\#(minimal),"volumes":[{"name":"v","secret":{"secretName":"s"},"emptyDir":{}}]}"#,
            "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type"
        ),
        (
            #"{\#(minimal),"tolerations":[{"operator":"Equal","value":"x"}]}"#,
            #"spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, "#
                + #"which means "match all values and all keys""#
        ),
        (
            #"{\#(minimal),"activeDeadlineSeconds":0}"#,
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"
        ),
        (
            #"{\#(minimal),"initContainers":[{"name":"i","image":"a","lifecycle":{"preStop":{"exec":{"command":["x"]}}}}]}"#,
            "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always"
        ),
        (
            #"{\#(minimal),"securityContext":{"seccompProfile":{"type":"Localhost"}}}"#,
            "spec.securityContext.seccompProfile.localhostProfile: Required value: "
                + "must be set when seccomp type is Localhost"
        ),
        (
            #"{\#(minimal),"dnsPolicy":"None"}"#,
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"
        ),
    ])
    func `what is wrong with a new pod is said in upstream's words`(spec: String, text: String) throws {
        #expect(try pod(spec).validate().texts == [text])
    }

    @Test func `images may change, node names may not`() throws {
        let old: Pod = try pod(#"{"containers":[{"name":"c","image":"a:1"}]}"#)
        var new: Pod = old
        new.spec.containers[0].image = "a:2"
        new.spec.tolerations.append(Toleration.with { $0.operator = "Exists" })
        #expect(new.validateUpdate(of: old).isEmpty)
        #expect(strategy.updated(new, from: old).metadata.generation == 2)
        new.spec.nodeName = "node-1"
        let texts: [String] = new.validateUpdate(of: old).texts
        #expect(texts.count == 1)
        #expect(
            texts[0].hasPrefix(
                "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
                    + "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
                    + "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                    + "previously negative)\n"))
        #expect(texts[0].contains("+ \tNodeName: \"node-1\","))
        #expect(old.validateUpdate(of: new).texts.first?.contains("existing toleration can not be modified") == true)
    }

    @Test func `ephemeral containers come and stay`() throws {
        let old: Pod = try pod(#"{"containers":[{"name":"c","image":"a:1"}]}"#)
        var asked: Pod = old
        asked.spec.ephemeralContainers.append(
            EphemeralContainer.with {
                $0.name = "debug"; $0.image = "busybox:1"; $0.targetContainerName = "c"
            })
        asked.spec.nodeName = "ignored"
        strategy.setDefaults(&asked)
        strategy.prepareForUpdate(
            &asked, old: old, subresource: "ephemeralcontainers", context: .test(subresource: "ephemeralcontainers"))
        #expect(asked.spec.nodeName.isEmpty)
        #expect(asked.metadata.generation == 2)
        #expect(asked.validateEphemeralContainersUpdate(of: old).isEmpty)
        #expect(old.validateEphemeralContainersUpdate(of: asked).texts.count == 2)
    }

    @Test func `a container that ended for good stays ended`() throws {
        var old: Pod = try pod(#"{"restartPolicy":"Never","containers":[{"name":"c","image":"a:1"}]}"#)
        old.status.containerStatuses = [
            ContainerStatus.with {
                $0.name = "c"
                $0.state.terminated = ContainerStateTerminated()
            }
        ]
        var new: Pod = old
        new.status.containerStatuses[0].state = ContainerState()
        #expect(
            new.validateStatusUpdate(of: old).texts
                == ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"])
    }

    @Test func `a client is warned of an ambiguous variable`() throws {
        let given: Pod = try pod(
            #"{"containers":[{"name":"c","image":"a","env":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}]}"#)
        let warning: String =
            #"spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply"#
        #expect(strategy.warnings(given, old: nil, context: .test()) == [warning])
        #expect(strategy.warnings(given, old: given, context: .test()).isEmpty)
    }

    @Test func `a resize changes amounts, and never the class`() throws {
        let old: Pod = try pod(
            #"{"containers":[{"name":"c","image":"a:1","resources":{"requests":{"cpu":"1"}}}]}"#)
        func resized(_ resources: String) throws -> (Pod, [String]) {
            var asked: Pod = old
            asked.spec.nodeName = "ignored"
            asked.spec.containers[0].resources = try JSONReader.decode(
                ResourceRequirements.self, from: Array(resources.utf8))
            let context: RequestContext = .test(subresource: "resize")
            strategy.prepareForUpdate(&asked, old: old, subresource: "resize", context: context)
            return (asked, strategy.validateUpdate(asked, old: old, subresource: "resize", context: context).texts)
        }
        let (larger, none): (Pod, [String]) = try resized(#"{"requests":{"cpu":"2"}}"#)
        #expect(none.isEmpty && larger.spec.nodeName.isEmpty && larger.metadata.generation == 2)
        #expect(
            try resized("{}").1 == [
                "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
                #"spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing"#,
            ])
    }

    @Test func `some pods are never resized`() throws {
        let plain: Pod = try pod(#"{"containers":[{"name":"c","image":"a:1"}]}"#)
        func refusal(_ change: (inout Pod) -> Void) -> [String] {
            var old: Pod = plain
            change(&old)
            let context: RequestContext = .test(subresource: "resize")
            return strategy.validateUpdate(old, old: old, subresource: "resize", context: context).texts
        }
        #expect(
            refusal { $0.metadata.annotations["kubernetes.io/config.mirror"] = "x" }
                == ["[]: Forbidden: static pods cannot be resized"])
        #expect(
            refusal { $0.spec.os = PodOS.with { $0.name = "windows" } }
                == ["[]: Forbidden: windows pods cannot be resized"])
        #expect(
            refusal { pod in
                var whole = ResourceRequirements()
                whole.limits["cpu"] = Quantity(1)
                pod.spec.resources = whole
            } == ["[]: Forbidden: pods with pod-level resources cannot be resized"])
        var asked: Pod = plain
        asked.spec.resources = ResourceRequirements.with { $0.limits["cpu"] = Quantity(1) }
        strategy.prepareForUpdate(&asked, old: plain, subresource: "resize", context: .test(subresource: "resize"))
        #expect(asked.spec == plain.spec)
    }

    @Test func `a name with dots is allowed and warned of`() throws {
        let given: Pod = strategy.created(
            try object(#"{"metadata":{"name":"a.b"},"spec":{"containers":[{"name":"c","image":"a:1"}]}}"#))
        let warnings: [String] = strategy.warnings(given, old: nil, context: .test())
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("metadata.name: this is used in the Pod's hostname, ") == true)
    }
}
