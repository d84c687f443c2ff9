import APIApps
import APIBatch
import APICore
import APIMachinery
import APIServer
import Codec
import Testing

private let prefix: String = "pod-security.kubernetes.io/"
private let escalation: String =
    "allowPrivilegeEscalation != false (container \"main\" must set securityContext.allowPrivilegeEscalation=false), "
    + "unrestricted capabilities (container \"main\" must set securityContext.capabilities.drop=[\"ALL\"]), "
    + "runAsNonRoot != true (pod or container \"main\" must set securityContext.runAsNonRoot=true), seccompProfile "
    + "(pod or container \"main\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
    + "\"Localhost\")"

@Suite struct PodSecurityPluginTests {
    private static func namespace(_ labels: [String: String], name: String = "default") -> Namespace {
        Namespace.with { namespace in
            namespace.metadata.name = name
            for (key, value) in labels { namespace.metadata.labels[prefix + key] = value }
        }
    }

    private struct Outcome {
        var error: StatusError?
        var warnings: [String]
        var annotations: [String: String]
    }

    private func ask<Object: APIObject>(
        _ object: Object, old: Object? = nil, info: ResourceInfo, labels: [String: String] = [:],
        subresource: String = "", plugin: PodSecurityPlugin = PodSecurityPlugin(), pods: [Pod] = []
    ) async -> Outcome {
        let caches = FakeCaches([Self.namespace(labels)] + pods)
        var request: RequestContext = context(subresource: subresource)
        request.audit = AuditTrail()
        let attributes = AdmissionAttributes(
            old == nil ? .create : .update, context: request, info: info, namespace: object.metadata.namespace,
            name: object.metadata.name, object: object, oldObject: old, caches: caches)
        var error: StatusError?
        if plugin.handles(attributes) {
            error = await refusal { () async throws(StatusError) in try await plugin.validate(attributes) }
        }
        return Outcome(error: error, warnings: attributes.warnings, annotations: request.audit?.annotations ?? [:])
    }

    @Test func `a pod that violates the enforced level is refused in upstream's words`() async {
        let outcome = await ask(makePod("x"), info: Resources.pods, labels: ["enforce": "restricted"])
        #expect(outcome.error?.code == 403)
        #expect(
            outcome.error?.message
                == "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": \(escalation)")
        #expect(outcome.annotations[prefix + "enforce-policy"] == "restricted:latest")
        #expect(outcome.warnings.isEmpty)
    }

    @Test func `audit and warn note what they would refuse`() async {
        let outcome = await ask(
            makePod("x"), info: Resources.pods,
            labels: ["audit": "restricted", "audit-version": "v1.24", "warn": "restricted"])
        #expect(outcome.error == nil)
        #expect(outcome.warnings == ["would violate PodSecurity \"restricted:latest\": \(escalation)"])
        #expect(
            outcome.annotations[prefix + "audit-violations"]
                == "would violate PodSecurity \"restricted:v1.24\": \(escalation)")
    }

    @Test func `without labels nothing is said`() async {
        let outcome = await ask(makePod { $0.spec.hostNetwork = true }, info: Resources.pods)
        #expect(outcome.error == nil && outcome.warnings.isEmpty && outcome.annotations.isEmpty)
    }

    @Test func `of an update only what matters is looked at`() async {
        let old = makePod { $0.spec.hostNetwork = true }
        var labelled = old
        labelled.metadata.labels = ["a": "b"]
        let quiet = await ask(labelled, old: old, info: Resources.pods, labels: ["enforce": "baseline"])
        #expect(quiet.error == nil)
        var changed = old
        changed.spec.containers[0].image = "other"
        let loud = await ask(changed, old: old, info: Resources.pods, labels: ["enforce": "baseline"])
        #expect(loud.error?.code == 403)
        var debugged = old
        debugged.spec.ephemeralContainers = [EphemeralContainer.with { $0.name = "debug" }]
        let debugging = await ask(
            debugged, old: old, info: Resources.pods, labels: ["enforce": "baseline"],
            subresource: "ephemeralcontainers")
        #expect(debugging.error?.code == 403)
        let status = await ask(
            changed, old: old, info: Resources.pods, labels: ["enforce": "baseline"], subresource: "status")
        #expect(status.error == nil)
    }

    @Test func `workloads are warned about and let in`() async {
        let template = PodTemplateSpec.with { $0.spec = makePod().spec }
        let info = ResourceInfo(Deployment.gvk, resource: "deployments", namespaced: true)
        let deployment = Deployment.with {
            $0.metadata.namespace = "default"
            $0.spec.template = template
        }
        let outcome = await ask(deployment, info: info, labels: ["enforce": "restricted"])
        #expect(outcome.error == nil)
        #expect(outcome.warnings == ["would violate PodSecurity \"restricted:latest\": \(escalation)"])
        let cron = CronJob.with {
            $0.metadata.namespace = "default"
            $0.spec.jobTemplate.spec.template = template
        }
        let cronInfo = ResourceInfo(CronJob.gvk, resource: "cronjobs", namespaced: true)
        #expect(await ask(cron, info: cronInfo, labels: ["warn": "restricted"]).warnings.count == 1)
        let controller = ReplicationController.with { $0.metadata.namespace = "default" }
        let controllers = ResourceInfo(
            ReplicationController.gvk, resource: "replicationcontrollers", namespaced: true)
        #expect(await ask(controller, info: controllers, labels: ["warn": "restricted"]).warnings.isEmpty)
    }

    @Test func `wrong labels of a namespace are refused, unless they were there`() async {
        let wrong = Self.namespace(["enforce": "strict"], name: "n")
        let created = await ask(wrong, info: Resources.namespaces)
        #expect(created.error?.code == 422)
        #expect(
            created.error?.message
                == "Namespace \"n\" is invalid: metadata.labels[\(prefix)enforce]: Invalid value: \"strict\": must be "
                + "one of privileged, baseline, restricted")
        let updated = await ask(wrong, old: Self.namespace([:], name: "n"), info: Resources.namespaces)
        #expect(updated.error?.code == 422)
        var annotated = wrong
        annotated.metadata.annotations = ["a": "b"]
        #expect(await ask(annotated, old: wrong, info: Resources.namespaces).error == nil)
    }

    @Test func `a stricter level warns about the pods that are there`() async {
        let owner = OwnerReference.with {
            $0.uid = "1"
            $0.controller = true
        }
        let pods: [Pod] = [
            makePod("a", namespace: "n") { $0.metadata.ownerReferences = [owner] },
            makePod("b", namespace: "n") { $0.metadata.ownerReferences = [owner] },
            makePod("c", namespace: "n"),
            makePod("d", namespace: "n") { $0.spec.hostPID = true },
        ]
        let reasons: String =
            "allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile"
        let outcome = await ask(
            Self.namespace(["enforce": "restricted"], name: "n"), old: Self.namespace([:], name: "n"),
            info: Resources.namespaces, pods: pods)
        #expect(outcome.error == nil)
        #expect(
            outcome.warnings == [
                "existing pods in namespace \"n\" violate the new PodSecurity enforce level \"restricted:latest\"",
                "a (and 2 other pods): \(reasons)", "d: host namespaces, \(reasons)",
            ])
        let relaxed = await ask(
            Self.namespace(["enforce": "baseline"], name: "n"),
            old: Self.namespace(["enforce": "restricted"], name: "n"),
            info: Resources.namespaces, pods: pods)
        #expect(relaxed.warnings.isEmpty)
    }

    @Test func `who is exempt is not looked at`() async {
        var exemptions = PodSecurityPlugin.Exemptions()
        exemptions.users = ["tester"]
        let user = await ask(
            makePod(), info: Resources.pods, labels: ["enforce": "restricted"],
            plugin: PodSecurityPlugin(exemptions: exemptions))
        #expect(user.error == nil)
        #expect(user.annotations == [prefix + "exempt": "user"])
        exemptions.users = []
        exemptions.runtimeClasses = ["vm"]
        let sandboxed = await ask(
            makePod { $0.spec.runtimeClassName = "vm" }, info: Resources.pods, labels: ["enforce": "restricted"],
            plugin: PodSecurityPlugin(exemptions: exemptions))
        #expect(sandboxed.error == nil)
        exemptions.namespaces = ["default"]
        let namespaced = await ask(
            makePod(), info: Resources.pods, labels: ["enforce": "restricted"],
            plugin: PodSecurityPlugin(exemptions: exemptions))
        #expect(namespaced.annotations == [prefix + "exempt": "namespace"])
    }
}
