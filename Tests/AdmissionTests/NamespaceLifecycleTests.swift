import APICore
import APIMachinery
import APIServer
import Testing

@Suite struct NamespaceLifecycleTests {
    private let plugin = NamespaceLifecycle(link: ServerLink())

    private func caches(phase: String) -> FakeCaches {
        FakeCaches([
            Namespace.with {
                $0.metadata.name = "default"
                $0.status.phase = phase
            }
        ])
    }

    @Test func `an active namespace takes new objects`() async throws {
        _ = try await admit(plugin, makePod(), info: Resources.pods, caches: caches(phase: "Active"))
    }

    @Test func `a missing namespace is not found, for creates and updates`() async {
        let create = await refusal { () async throws(StatusError) in
            _ = try await admit(plugin, makePod(), info: Resources.pods)
        }
        #expect(create?.code == 404)
        #expect(create?.message == "namespaces \"default\" not found")
        let update = await refusal { () async throws(StatusError) in
            _ = try await admit(plugin, makePod(), old: makePod(), info: Resources.pods)
        }
        #expect(update?.code == 404)
    }

    @Test func `a terminating namespace takes updates but nothing new`() async throws {
        let caches: FakeCaches = caches(phase: "Terminating")
        _ = try await admit(plugin, makePod(), old: makePod(), info: Resources.pods, caches: caches)
        let error = await refusal { () async throws(StatusError) in
            _ = try await admit(plugin, makePod("web"), info: Resources.pods, caches: caches)
        }
        #expect(error?.code == 403)
        #expect(
            error?.message == "pods \"web\" is forbidden: unable to create new content in namespace default because "
                + "it is being terminated")
        #expect(error?.isNamespaceTerminating == true)
        #expect(error?.causes.first?.field == "metadata.namespace")
    }

    @Test(arguments: ["default": true, "kube-system": true, "kube-public": true, "kube-node-lease": false])
    func `the system's namespaces cannot be deleted`(name: String, isProtected: Bool) async {
        let attributes = AdmissionAttributes(
            .delete, context: context(), info: Resources.namespaces, namespace: "", name: name, object: nil,
            deletion: DeletionRequest(), caches: FakeCaches())
        #expect(plugin.handles(attributes))
        let error = await refusal { () async throws(StatusError) in try await plugin.admit(attributes) }
        #expect(
            error?.message
                == (isProtected ? "namespaces \"\(name)\" is forbidden: this namespace may not be deleted" : nil))
    }
}
