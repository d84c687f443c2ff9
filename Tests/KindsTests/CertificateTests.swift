import APICertificates
import APIMachinery
import APIServer
import APIValidation
import Codec
import Testing

struct CertificateTests {
    private let strategy = SigningRequestStrategy()

    /// A sequence that holds nothing, in PEM: as much as the outline inspector looks at.
    private static func pem(_ label: String, _ der: [UInt8] = [0x30, 0x00]) -> [UInt8] {
        Array("-----BEGIN \(label)-----\n\(Base64.encode(der))\n-----END \(label)-----\n".utf8)
    }

    private func request(_ fill: (inout CertificateSigningRequest) -> Void = { _ in }) -> CertificateSigningRequest {
        var request = CertificateSigningRequest.with {
            $0.metadata.name = "anna"
            $0.spec.request = Self.pem("CERTIFICATE REQUEST")
            $0.spec.signerName = "kubernetes.io/kube-apiserver-client"
            $0.spec.usages = ["client auth"]
        }
        fill(&request)
        return request
    }

    private func condition(_ type: String, status: String = "True") -> CertificateSigningRequestCondition {
        CertificateSigningRequestCondition.with {
            $0.type = type
            $0.status = status
        }
    }

    @Test func `the server says who asks`() {
        let made: CertificateSigningRequest = strategy.created(
            request {
                $0.spec.username = "root"
                $0.spec.groups = ["system:masters"]
                $0.status.certificate = [1]
            })
        #expect(made.spec.username == "tester" && made.spec.groups.isEmpty && made.status.certificate.isEmpty)
        #expect(strategy.validateCreate(made, context: .test()).isEmpty)
        #expect(
            strategy.row(made) == [
                "anna", "<unknown>", "kubernetes.io/kube-apiserver-client", "tester", "<none>", "Pending",
            ])
    }

    @Test func `a bad request is told what is wrong with it`() {
        let bad: CertificateSigningRequest = request {
            $0.spec.request = Self.pem("CERTIFICATE")
            $0.spec.usages = ["client auth", "client auth", "flying"]
            $0.spec.signerName = "nodomain"
            $0.spec.expirationSeconds = 599
        }
        let texts: [String] = bad.validate(OutlineInspector()).texts
        #expect(texts[0].hasSuffix("PEM block type must be CERTIFICATE REQUEST"))
        #expect(texts[1] == "spec.usages[1]: Duplicate value: \"client auth\"")
        #expect(texts[2].hasPrefix("spec.usages[2]: Unsupported value: \"flying\": supported values: \"any\", "))
        #expect(
            texts[3] == "spec.signerName: Invalid value: \"nodomain\": must be a fully qualified domain and path of "
                + "the form 'example.com/signer-name'")
        #expect(
            texts[4] == "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds "
                + "(10 minutes)")
        let name: CertificateSigningRequest = request { $0.spec.signerName = "Example/a" }
        #expect(name.validate(OutlineInspector()).count == 2)
    }

    @Test func `only approval approves, only status carries the certificate, and nothing is taken back`() throws {
        let old: CertificateSigningRequest = strategy.created(request())
        var approved: CertificateSigningRequest = old
        approved.status.conditions = [condition("Approved")]
        approved.status.certificate = Self.pem("CERTIFICATE")
        approved.spec.signerName = "example.com/other"
        var status: CertificateSigningRequest = approved
        strategy.prepareForStatusUpdate(&status, old: old, context: .test())
        #expect(status.spec == old.spec)
        #expect(
            strategy.validateStatusUpdate(status, old: old, context: .test()).texts == [
                "status.conditions: Forbidden: updates may not add a condition of type \"Approved\""
            ])

        strategy.prepareForUpdate(&approved, old: old, subresource: "approval", context: .test())
        #expect(approved.spec == old.spec && approved.status.certificate.isEmpty)
        let condition: CertificateSigningRequestCondition = try #require(approved.status.conditions.first)
        #expect(condition.lastUpdateTime == Time(seconds: 1_000_000))
        #expect(condition.lastTransitionTime == Time(seconds: 1_000_000))
        #expect(strategy.validateUpdate(approved, old: old, subresource: "approval", context: .test()).isEmpty)

        var issued: CertificateSigningRequest = approved
        issued.status.certificate = Self.pem("CERTIFICATE")
        #expect(strategy.validateStatusUpdate(issued, old: approved, context: .test()).isEmpty)
        #expect(strategy.row(issued).last == "Approved,Issued")
        #expect(
            strategy.validateUpdate(issued, old: approved, context: .test()).texts == [
                "status.certificate: Forbidden: updates may not set certificate content"
            ])
        var cleared: CertificateSigningRequest = issued
        cleared.status = CertificateSigningRequestStatus()
        #expect(
            strategy.validateStatusUpdate(cleared, old: issued, context: .test()).texts == [
                "status.conditions: Forbidden: updates may not remove a condition of type \"Approved\"",
                "status.certificate: Forbidden: updates may not modify existing certificate content",
            ])
    }

    @Test func `conditions of a request are true, single and not contrary`() {
        let old: CertificateSigningRequest = strategy.created(request())
        var new: CertificateSigningRequest = old
        new.status.conditions = [
            condition("Approved"), condition("Denied", status: "False"), condition("", status: ""),
        ]
        new.status.certificate = Array("none".utf8)
        #expect(
            new.validateUpdate(of: old, at: .approval, OutlineInspector()).texts == [
                "status.conditions[1].status: Unsupported value: \"False\": supported values: \"True\"",
                "status.conditions[1].type: Invalid value: \"Denied\": Approved and Denied conditions are mutually "
                    + "exclusive",
                "status.conditions[2].type: Required value", "status.conditions[2].status: Required value",
                "status.certificate: Invalid value: \"<certificate data>\": must contain one or more CERTIFICATE PEM "
                    + "blocks",
                "status.certificate: Forbidden: updates may not set certificate content",
            ])
    }

    @Test func `PEM is found between other text, and broken blocks are not`() {
        let text: [UInt8] = Array("hello\n".utf8) + Self.pem("A") + Array("-----BEGIN B-----\nQQ==\n".utf8)
        let found: [PEMBlock] = PEMBlock.all(in: text)
        #expect(found.count == 1 && found[0].label == "A" && !found[0].hasHeaders && found[0].bytes == [0x30, 0x00])
        #expect(PEMBlock.all(in: Array("-----BEGIN A-----\n!!\n-----END A-----".utf8)).isEmpty)
        #expect(OutlineInspector().fault(ofRequest: [0x30, 0x05, 0x00]) == "asn1: syntax error: data truncated")
        #expect(OutlineInspector().fault(ofRequest: [0x30, 0x81, 0x00]) == nil)
        #expect(OutlineInspector().fault(ofRequest: [0x31, 0x00]) != nil)
    }
}
