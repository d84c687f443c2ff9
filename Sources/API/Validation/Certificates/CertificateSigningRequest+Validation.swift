package import APICertificates
package import APIMachinery
import Codec

extension CertificateSigningRequest {
    /// The endpoints of a request differ in what they may change.
    package enum Endpoint: Sendable {
        case main, status, approval
    }

    private static let approved = "Approved"
    private static let denied = "Denied"
    private static let failed = "Failed"

    /// In the order in which upstream names them.
    private static let knownUsages: [String] = [
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
        "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system",
        "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc",
        "ocsp signing", "s/mime", "server auth", "signing", "timestamping",
    ]

    package func validate(_ inspector: any CertificateInspector) -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if let fault = Self.fault(ofRequest: spec.request, inspector) {
            let shown: String = "\"" + Base64.encode(spec.request) + "\""
            errors.append(FieldError(.invalid, path.child("request"), value: shown, detail: fault))
        }
        if spec.usages.isEmpty { errors.append(.required(path.child("usages"))) }
        var seen: Set<String> = []
        for (index, usage) in spec.usages.enumerated() {
            let field: FieldPath = path.child("usages").index(index)
            errors += Rule.oneOf(usage, Self.knownUsages, field)
            if !seen.insert(usage).inserted { errors.append(.duplicate(field, usage)) }
        }
        errors += SignerName.validate(spec.signerName, path.child("signerName"))
        if spec.signerName == "kubernetes.io/legacy-unknown" {
            let text: String = "the legacy signer name is not allowed via this API version"
            errors.append(.invalid(path.child("signerName"), spec.signerName, text))
        }
        if let seconds = spec.expirationSeconds, seconds < 600 {
            let text: String = "may not specify a duration less than 600 seconds (10 minutes)"
            errors.append(.invalid(path.child("expirationSeconds"), seconds, text))
        }
        return errors
    }

    /// The spec never changes after creation, so only the status has to be looked at.
    package func validateUpdate(
        of old: CertificateSigningRequest, at endpoint: Endpoint, _ inspector: any CertificateInspector
    ) -> FieldErrors {
        let path: FieldPath = FieldPath("status").child("conditions")
        var errors: FieldErrors = validateConditions(path, old: old)
        // What is there already is not held against an update.
        if Self.fault(ofCertificates: old.status.certificate, inspector) == nil,
            let fault = Self.fault(ofCertificates: status.certificate, inspector)
        {
            errors.append(.invalid(FieldPath("status").child("certificate"), "<certificate data>", fault))
        }
        for type in [Self.approved, Self.denied, Self.failed] where conditions(type).count < old.conditions(type).count
        {
            errors.append(.forbidden(path, "updates may not remove a condition of type \"\(type)\""))
        }
        if endpoint != .approval { errors += validateApproval(path, old: old) }
        guard status.certificate != old.status.certificate else { return errors }
        let certificate: FieldPath = FieldPath("status").child("certificate")
        if endpoint != .status {
            errors.append(.forbidden(certificate, "updates may not set certificate content"))
        } else if !old.status.certificate.isEmpty {
            errors.append(.forbidden(certificate, "updates may not modify existing certificate content"))
        }
        return errors
    }

    private func conditions(_ type: String) -> [CertificateSigningRequestCondition] {
        status.conditions.filter { $0.type == type }
    }

    private func validateApproval(_ path: FieldPath, old: CertificateSigningRequest) -> FieldErrors {
        var errors = FieldErrors()
        for type in [Self.approved, Self.denied] {
            let (new, before) = (conditions(type), old.conditions(type))
            if new.count > before.count {
                errors.append(.forbidden(path, "updates may not add a condition of type \"\(type)\""))
            } else if new.count == before.count, new != before {
                errors.append(.forbidden(path, "updates may not modify a condition of type \"\(type)\""))
            }
        }
        return errors
    }

    private func validateConditions(_ path: FieldPath, old: CertificateSigningRequest) -> FieldErrors {
        var errors = FieldErrors()
        let before: [String] = old.status.conditions.map { $0.type }
        let mayBeBoth: Bool = before.contains(Self.approved) && before.contains(Self.denied)
        let mayRepeat: Bool = Set(before).count < before.count
        var seen: Set<String> = []
        for (index, condition) in status.conditions.enumerated() {
            let field: FieldPath = path.index(index)
            if condition.type.isEmpty, !before.contains("") { errors.append(.required(field.child("type"))) }
            let isFinal: Bool = [Self.approved, Self.denied, Self.failed].contains(condition.type)
            let allowed: [String] = isFinal ? ["True"] : ["False", "True", "Unknown"]
            errors += Rule.choice(condition.status, allowed, field.child("status"))
            let opposite: String? =
                condition.type == Self.approved ? Self.denied : condition.type == Self.denied ? Self.approved : nil
            if let opposite, seen.contains(opposite), !mayBeBoth {
                let text: String = "Approved and Denied conditions are mutually exclusive"
                errors.append(.invalid(field.child("type"), condition.type, text))
            }
            if !seen.insert(condition.type).inserted, !mayRepeat {
                errors.append(.duplicate(field.child("type"), condition.type))
            }
        }
        return errors
    }

    // MARK: - PEM

    private static func fault(ofRequest pem: [UInt8], _ inspector: any CertificateInspector) -> String? {
        guard let block = PEMBlock.all(in: pem).first, block.label == "CERTIFICATE REQUEST" else {
            return "PEM block type must be CERTIFICATE REQUEST"
        }
        return inspector.fault(ofRequest: block.bytes)
    }

    private static func fault(ofCertificates pem: [UInt8], _ inspector: any CertificateInspector) -> String? {
        if pem.isEmpty { return nil }
        let blocks: [PEMBlock] = PEMBlock.all(in: pem)
        if blocks.isEmpty { return "must contain one or more CERTIFICATE PEM blocks" }
        for block in blocks {
            if block.label != "CERTIFICATE" {
                return "only CERTIFICATE PEM blocks are allowed, found \"\(block.label)\""
            }
            if block.hasHeaders { return "no PEM block headers are permitted" }
            if let fault = inspector.fault(ofCertificate: block.bytes) { return fault }
        }
        return nil
    }
}
