import APICore
package import APIMachinery
import APIRules
import Codec

/// Refuses what would exceed a namespace's quotas, and notes what it lets pass as used.
///
/// A write that fails afterwards leaves its charge behind, as upstream's does, until the quota's controller counts.
package struct ResourceQuotaPlugin: AdmissionPlugin {
    package static let resource = GroupVersionResource(group: "", version: "v1", resource: "resourcequotas")

    package let name = "ResourceQuota"
    private let desk: QuotaDesk

    package init(link: ServerLink) {
        desk = QuotaDesk(books: ServerQuotaBooks(link: link))
    }

    init(books: any QuotaBooks) {
        desk = QuotaDesk(books: books)
    }

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        guard attributes.info.namespaced, attributes.info.gvr.resource != "events" else { return false }
        switch attributes.operation {
        case .create: return attributes.subresource.isEmpty
        case .update:
            if attributes.isPlain("services") || attributes.isPlain("persistentvolumeclaims") { return true }
            return attributes.subresource == "resize" && attributes.info.gvr.resource == "pods"
        case .delete, .connect: return false
        }
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        let quotas: [ResourceQuota] = attributes.caches.list(ResourceQuota.self, namespace: attributes.namespace)
        guard !quotas.isEmpty, let object = attributes.object else { return }
        let usage: any QuotaUsage = QuotaUsages.of(attributes.info.gvr)
        let concerned: [ResourceQuota] = try self.concerned(quotas, usage, object, attributes)
        guard !concerned.isEmpty else { return }
        var delta: StringMap<Quantity> = usage.usage(of: object)
        try checkSigns(delta, attributes)
        if attributes.operation == .update, let old = attributes.oldObject {
            // What becomes less is for the controller to find; upstream does the same.
            delta.subtract(usage.usage(of: old))
        }
        delta = delta.filter { $0.value.sign > 0 }
        let names: [String] = concerned.filter { quota in
            delta.contains { quota.status.hard.contains(key: $0.key) }
        }.map { $0.metadata.name }
        guard !names.isEmpty else { return }
        let charge = QuotaCharge(
            resource: attributes.info.gvr, name: attributes.name, namespace: attributes.namespace, delta: delta,
            quotas: names, dryRun: attributes.dryRun)
        try refuseTaken(charge, concerned, object, attributes)
        if let error = await desk.settle(charge) { throw error }
    }

    /// A name that is taken is told at once: the write would fail after its charge, and whoever tries it again and
    /// again would use up the quota.
    private func refuseTaken(
        _ charge: QuotaCharge, _ quotas: [ResourceQuota], _ object: any APIObject, _ attributes: AdmissionAttributes
    ) throws(StatusError) {
        guard attributes.operation == .create, object.metadata.generateName.isEmpty else { return }
        let gvr: GroupVersionResource = attributes.info.gvr
        guard attributes.caches.snapshot(gvr, namespace: attributes.namespace, name: attributes.name) != nil else {
            return
        }
        for quota in quotas {
            if let error = charge.refusal(by: quota) { throw error }
        }
        throw .alreadyExists(gvr, attributes.name)
    }

    /// The quotas that count this object.
    private func concerned(
        _ quotas: [ResourceQuota], _ usage: any QuotaUsage, _ object: any APIObject, _ attributes: AdmissionAttributes
    ) throws(StatusError) -> [ResourceQuota] {
        var concerned: [ResourceQuota] = []
        for quota in quotas {
            let names: [String] = quota.status.hard.keys.filter { usage.isAbout($0) }
            guard !names.isEmpty, Self.scopes(of: quota).allSatisfy({ usage.matches($0, object) }) else { continue }
            if let omission = usage.omission(in: object, restricting: names) {
                throw attributes.forbidden("failed quota: \(quota.metadata.name): \(omission)")
            }
            let unknown: [String] = names.filter { !quota.status.used.contains(key: $0) }
            guard unknown.isEmpty else {
                throw attributes.forbidden(
                    "status unknown for quota: \(quota.metadata.name), resources: "
                        + unknown.sorted().joined(separator: ","))
            }
            concerned.append(quota)
        }
        return concerned
    }

    private static func scopes(of quota: ResourceQuota) -> [ScopedResourceSelectorRequirement] {
        let plain: [ScopedResourceSelectorRequirement] = quota.spec.scopes.map { scope in
            ScopedResourceSelectorRequirement.with {
                $0.scopeName = scope
                $0.operator = "Exists"
            }
        }
        return plain + (quota.spec.scopeSelector?.matchExpressions ?? [])
    }

    private func checkSigns(_ usage: StringMap<Quantity>, _ attributes: AdmissionAttributes) throws(StatusError) {
        let negative: [String] = usage.filter { $0.value.sign < 0 }.map { $0.key }
        guard negative.isEmpty else {
            throw attributes.forbidden(
                "quota usage is negative for resource(s): " + negative.sorted().joined(separator: ","))
        }
    }
}

/// The quotas of the server.
private struct ServerQuotaBooks: QuotaBooks {
    let link: ServerLink

    func change(
        namespace: String, quota: String, _ body: @escaping @Sendable (inout ResourceQuota) -> Void
    ) async throws(StatusError) {
        guard let core = link.core, let resource = core.registry.resource(ResourceQuotaPlugin.resource) else { return }
        // A refusal should not rest on numbers that have changed since. If this request has been cancelled it cannot
        // wait, but others are in its batch: it goes on, and compare and set keeps what is charged right.
        try? await link.waitUntilFresh()
        let now: MicroTime = core.services.environment.clock.nowMicro
        let context = RequestContext(
            user: .apiServer, verb: "update", resource: ResourceQuotaPlugin.resource, namespace: namespace, name: quota,
            subresource: "status", receivedAt: now)
        let call = WriteCall(context: context, services: core.services)
        _ = try await resource.modify(ResourceQuota.self, call) {
            (object: inout ResourceQuota) throws(StatusError) -> Void in
            body(&object)
        }
    }
}
