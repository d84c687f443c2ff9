import Controllers
import Testing

@Suite struct StandardSignerTests {
    private static func subject(_ fill: (inout SigningSubject) -> Void = { _ in }) -> SigningSubject {
        var subject = SigningSubject()
        subject.commonName = "system:node:n"
        subject.organizations = ["system:nodes"]
        subject.usages = ["digital signature", "key encipherment", "client auth"]
        fill(&subject)
        return subject
    }

    @Test func `a kubelet's client certificate is for a node, and for nothing else`() {
        let signer: StandardSigner = .kubeAPIServerClientKubelet
        #expect(signer.problem(Self.subject()) == nil)
        #expect(signer.problem(Self.subject { $0.usages = ["digital signature", "client auth"] }) == nil)
        #expect(
            signer.problem(Self.subject { $0.organizations = ["system:nodes", "system:masters"] })
                == "subject organization is not system:nodes")
        #expect(signer.problem(Self.subject { $0.commonName = "admin" })?.hasPrefix("subject common name") == true)
        #expect(signer.problem(Self.subject { $0.dnsNames = ["a"] }) == "DNS subjectAltNames are not allowed")
        #expect(signer.problem(Self.subject { $0.ipAddresses = ["10.0.0.1"] }) == "IP subjectAltNames are not allowed")
        #expect(signer.problem(Self.subject { $0.emailAddresses = ["a@b"] }) == "Email subjectAltNames are not allowed")
        #expect(signer.problem(Self.subject { $0.uris = ["a:b"] }) == "URI subjectAltNames are not allowed")
        #expect(
            signer.problem(Self.subject { $0.usages.append("server auth") })?.hasPrefix("usages did not match") == true)
        #expect(signer.problem(Self.subject { $0.usages = ["client auth"] })?.hasPrefix("usages did not match") == true)
    }

    @Test func `a kubelet's serving certificate needs a name or an address`() {
        let signer: StandardSigner = .kubeletServing
        func serving(_ fill: (inout SigningSubject) -> Void = { _ in }) -> SigningSubject {
            Self.subject {
                $0.usages = ["digital signature", "server auth"]
                $0.dnsNames = ["n"]
                fill(&$0)
            }
        }
        #expect(signer.problem(serving()) == nil)
        #expect(signer.problem(serving { $0.dnsNames = [] }) == "DNS or IP subjectAltName is required")
        #expect(
            signer.problem(serving { $0.usages = ["digital signature", "client auth"] })
                == "usages did not match [digital signature key encipherment server auth]")
        #expect(signer.problem(serving { $0.organizations = [] }) != nil)
    }

    @Test func `a client's certificate is for clients, whoever that is`() {
        let signer: StandardSigner = .kubeAPIServerClient
        #expect(signer.problem(Self.subject { $0.commonName = "jane" }) == nil)
        #expect(
            signer.problem(Self.subject { $0.usages = ["client auth", "server auth"] })
                == "invalid usage for client certificate: server auth")
        #expect(
            signer.problem(Self.subject { $0.usages = ["digital signature"] })
                == "missing required usage for client certificate: client auth")
        #expect(StandardSigner.legacyUnknown.problem(SigningSubject()) == nil)
        #expect(StandardSigner(rawValue: "example.com/mine") == nil)
    }

    @Test func `kubelets are approved for themselves and, with a bootstrap token, for a node to come`() {
        let signer: String = StandardSigner.kubeAPIServerClientKubelet.rawValue
        func asked(_ username: String, _ subject: SigningSubject = Self.subject(), of signer: String) -> [String] {
            KubeletApproval.attempts(signer: signer, subject: subject, username: username).map(\.subresource)
        }
        #expect(asked("system:node:n", of: signer) == ["selfnodeclient", "nodeclient"])
        #expect(asked("system:bootstrap:abcdef", of: signer) == ["nodeclient"])
        #expect(asked("system:node:n", Self.subject { $0.dnsNames = ["a"] }, of: signer).isEmpty)
        #expect(asked("system:node:n", of: StandardSigner.kubeletServing.rawValue).isEmpty)
        #expect(
            KubeletApproval.attempts(signer: signer, subject: Self.subject(), username: "system:node:n").first?.message
                == "Auto approving self kubelet client certificate after SubjectAccessReview.")
    }
}
