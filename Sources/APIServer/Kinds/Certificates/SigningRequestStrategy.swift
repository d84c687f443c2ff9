package import APICertificates
package import APIMachinery
package import APIValidation
import Codec

/// Requests for certificates. Whose they are the server says; only a status and an approval may follow.
package struct SigningRequestStrategy: KindStrategy {
    package let info = ResourceInfo(
        CertificateSigningRequest.gvk, resource: "certificatesigningrequests", shortNames: ["csr"], namespaced: false,
        subresources: [
            ResourceInfo.Subresource(
                "approval", gvk: CertificateSigningRequest.gvk, verbs: ["get", "patch", "update"]),
            ResourceInfo.status(of: CertificateSigningRequest.gvk),
        ])
    private let inspector: any CertificateInspector

    package init(inspector: any CertificateInspector = OutlineInspector()) {
        self.inspector = inspector
    }

    package var parts: ObjectParts<CertificateSigningRequest> {
        ObjectParts(uncounted: \CertificateSigningRequest.spec, status: \CertificateSigningRequest.status)
    }
    package var nameRule: NameRule { .pathSegment }

    package func prepareForCreate(_ request: inout CertificateSigningRequest, context: RequestContext) {
        applyCreateRules(&request)
        request.spec.username = context.user.name
        request.spec.uid = context.user.uid
        request.spec.groups = context.user.groups
        request.spec.extra = context.user.extra
    }

    package func validateCreate(_ request: CertificateSigningRequest, context: RequestContext) -> FieldErrors {
        request.validate(inspector)
    }

    package func prepareForUpdate(
        _ request: inout CertificateSigningRequest, old: CertificateSigningRequest, context: RequestContext
    ) {
        request.spec = old.spec
        request.status = old.status
    }

    package func validateUpdate(
        _ request: CertificateSigningRequest, old: CertificateSigningRequest, context: RequestContext
    ) -> FieldErrors {
        request.validateUpdate(of: old, at: .main, inspector)
    }

    package func prepareForStatusUpdate(
        _ request: inout CertificateSigningRequest, old: CertificateSigningRequest, context: RequestContext
    ) {
        applyKindStatusRules(&request, old: old)
        Self.setTimes(&request, old: old, now: context.now)
    }

    package func validateStatusUpdate(
        _ request: CertificateSigningRequest, old: CertificateSigningRequest, context: RequestContext
    ) -> FieldErrors {
        request.validateUpdate(of: old, at: .status, inspector)
    }

    /// Approval changes the conditions and nothing else of the status.
    package func prepareForUpdate(
        _ request: inout CertificateSigningRequest, old: CertificateSigningRequest, subresource: String,
        context: RequestContext
    ) {
        request.spec = old.spec
        request.status.certificate = old.status.certificate
        Self.setTimes(&request, old: old, now: context.now)
    }

    package func validateUpdate(
        _ request: CertificateSigningRequest, old: CertificateSigningRequest, subresource: String,
        context: RequestContext
    ) -> FieldErrors {
        request.validateUpdate(of: old, at: .approval, inspector)
    }

    /// A condition that says no times gets them: the old transition if its status is the old one.
    private static func setTimes(
        _ request: inout CertificateSigningRequest, old: CertificateSigningRequest, now: Time
    ) {
        for index in request.status.conditions.indices {
            let condition: CertificateSigningRequestCondition = request.status.conditions[index]
            if condition.lastUpdateTime == nil { request.status.conditions[index].lastUpdateTime = now }
            guard condition.lastTransitionTime == nil else { continue }
            let before: CertificateSigningRequestCondition? = old.status.conditions.first {
                $0.type == condition.type && $0.status == condition.status && $0.lastTransitionTime != nil
            }
            request.status.conditions[index].lastTransitionTime = before?.lastTransitionTime ?? now
        }
    }

    package var selectableFields: [String] { ["spec.signerName"] }
    package func selectableValues(_ request: CertificateSigningRequest) -> [String] { [request.spec.signerName] }

    // MARK: - Table

    package var table: TableDefinition<CertificateSigningRequest> {
        TableDefinition([
            .name, .age, TableColumn("SignerName"), TableColumn("Requestor"), TableColumn("RequestedDuration"),
            TableColumn("Condition"),
        ]) { request, now in
            let seconds: Int? = request.spec.expirationSeconds
            return [
                .string(request.metadata.name), CellText.age(request.metadata, now),
                CellText.orNone(request.spec.signerName), .string(request.spec.username),
                .string(seconds.map { TableCells.duration($0) } ?? CellText.none), .string(Self.state(request.status)),
            ]
        }
    }

    private static func state(_ status: CertificateSigningRequestStatus) -> String {
        let types: Set<String> = Set(status.conditions.map { $0.type })
        var text: String = types.contains("Denied") ? "Denied" : types.contains("Approved") ? "Approved" : "Pending"
        if types.contains("Failed") { text += ",Failed" }
        if !status.certificate.isEmpty { text += ",Issued" }
        return text
    }
}
