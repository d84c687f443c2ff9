import APIAuthorization
import APICertificates
import APIMachinery
import Client
import Codec
import Controllers
import Testing

/// An authority that knows requests by their first line: `CN/O`, or nothing at all.
private struct PaperAuthority: CertificateSigner {
    func subject(ofRequest pem: [UInt8]) throws(CertificateSignerError) -> SigningSubject {
        let parts: [Substring] = String(decoding: pem, as: UTF8.self).split(separator: "/")
        guard parts.count == 2 else { throw CertificateSignerError("unreadable") }
        var subject = SigningSubject()
        subject.commonName = String(parts[0])
        subject.organizations = [String(parts[1])]
        return subject
    }

    func sign(
        request pem: [UInt8], usages: [String], lifetime: Int, now: Time
    ) throws(CertificateSignerError) -> [UInt8] {
        Array("\(now.seconds + Int64(lifetime)) \(usages.joined(separator: ","))".utf8)
    }

    func end(ofCertificate pem: [UInt8]) -> Time? {
        Int64(String(decoding: pem, as: UTF8.self).prefix { $0 != " " }).map { Time(seconds: $0) }
    }
}

/// Answers access reviews: yes for some subresources.
private struct Reviews: Transport {
    let allowed: Set<String>

    func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream {
        throw .methodNotSupported(request.resource, "watch")
    }

    func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse {
        guard var review = try? JSONReader.decode(SubjectAccessReview.self, from: request.body),
            let asked = review.spec.resourceAttributes, asked.verb == "create",
            asked.resource == "certificatesigningrequests", review.spec.user == "system:node:n"
        else { throw .internalError("not a review that was expected") }
        review.status.allowed = allowed.contains(asked.subresource)
        return APIResponse(code: 201, body: .json(review.jsonBytes))
    }
}

@Suite struct CertificateControllerTests {
    private let cluster = SimulatedCluster()
    private let key = ObjectKey("", "csr")

    private func put(
        _ text: String, signer: StandardSigner, usages: [String], _ fill: (inout CertificateSigningRequest) -> Void
    ) {
        cluster.put(
            CertificateSigningRequest.with {
                $0.metadata.name = "csr"
                $0.spec.request = Array(text.utf8)
                $0.spec.signerName = signer.rawValue
                $0.spec.usages = usages
                $0.spec.username = "system:node:n"
                fill(&$0)
            })
    }

    private func condition(_ type: String) -> CertificateSigningRequestCondition {
        .with {
            $0.type = type
            $0.status = "True"
            $0.lastUpdateTime = cluster.now
        }
    }

    private var stored: CertificateSigningRequestStatus? {
        cluster.get(CertificateSigningRequest.self, "", "csr")?.status
    }

    private func sign() async throws -> Reconciliation {
        try await cluster.run(
            SigningReconciler(requests: cluster.cache(CertificateSigningRequest.self), signer: PaperAuthority()), key)
    }

    @Test(arguments: [(nil, 31_536_000), (60, 600), (3600, 3600), (99_999_999, 31_536_000)] as [(Int?, Int)])
    func `an approved request is signed for as long as it asks, within bounds`(asked: Int?, lifetime: Int) async throws
    {
        put("jane/devs", signer: .kubeAPIServerClient, usages: ["client auth"]) {
            $0.spec.expirationSeconds = asked
            $0.status.conditions = [condition("Approved")]
        }
        _ = try await sign()
        let expected: String = "\(cluster.now.adding(seconds: lifetime).seconds) client auth"
        #expect(stored.map { String(decoding: $0.certificate, as: UTF8.self) } == expected)
    }

    @Test func `what is not approved, or denied, failed, signed or another's is left alone`() async throws {
        let states: [[String]] = [[], ["Approved", "Denied"], ["Approved", "Failed"]]
        for types in states {
            put("jane/devs", signer: .kubeAPIServerClient, usages: ["client auth"]) {
                $0.status.conditions = types.map(condition)
            }
            #expect(try await sign().writes.isEmpty)
        }
        put("jane/devs", signer: .kubeAPIServerClient, usages: ["client auth"]) {
            $0.status.conditions = [condition("Approved")]
            $0.status.certificate = [1]
        }
        #expect(try await sign().writes.isEmpty)
        put("jane/devs", signer: .kubeAPIServerClient, usages: ["client auth"]) {
            $0.spec.signerName = "example.com/mine"
            $0.status.conditions = [condition("Approved")]
        }
        #expect(try await sign().writes.isEmpty)
    }

    @Test func `what the signer does not do is marked as failed, once`() async throws {
        put("jane/devs", signer: .kubeAPIServerClient, usages: ["server auth"]) {
            $0.status.conditions = [condition("Approved")]
        }
        _ = try await sign()
        let failed: CertificateSigningRequestCondition? = stored?.conditions.first { $0.type == "Failed" }
        #expect(failed?.status == "True" && failed?.reason == "SignerValidationFailure")
        #expect(failed?.message == "invalid usage for client certificate: server auth")
        #expect(stored?.certificate == [])
        #expect(try await sign().writes.isEmpty)
    }

    @Test func `a request that cannot be read fails the reconcile`() async throws {
        put("nonsense", signer: .legacyUnknown, usages: ["client auth"]) {
            $0.status.conditions = [condition("Approved")]
        }
        #expect(try await sign().failure == "failed to sign \"csr\": unreadable")
    }

    private func approve(allowed: Set<String>) async throws -> Reconciliation {
        let reconciler = ApprovingReconciler(
            requests: cluster.cache(CertificateSigningRequest.self), signer: PaperAuthority())
        return try await reconciler.reconcile(
            key, now: cluster.now, client: APIClient(Reviews(allowed: allowed)))
    }

    @Test(arguments: [
        ("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."),
        ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."),
    ])
    func `a kubelet's request is approved if the requester may have it`(subresource: String, message: String)
        async throws
    {
        put(
            "system:node:n/system:nodes", signer: .kubeAPIServerClientKubelet,
            usages: ["digital signature", "client auth"]
        ) { _ in }
        let decided: Reconciliation = try await approve(allowed: [subresource])
        guard case .update(let object, let target)? = decided.writes.first?.action,
            let request = object as? CertificateSigningRequest
        else {
            Issue.record("nothing was approved")
            return
        }
        #expect(target.subresource == "approval")
        #expect(request.status.conditions.map(\.type) == ["Approved"])
        #expect(request.status.conditions.first?.reason == "AutoApproved")
        #expect(request.status.conditions.first?.message == message)
    }

    @Test func `a kubelet's request that is not allowed is asked about again, others never`() async throws {
        put(
            "system:node:n/system:nodes", signer: .kubeAPIServerClientKubelet,
            usages: ["digital signature", "client auth"]
        ) { _ in }
        let refused: Reconciliation = try await approve(allowed: [])
        #expect(refused.writes.isEmpty && refused.requeueAfter == .seconds(60))
        put("jane/devs", signer: .kubeAPIServerClient, usages: ["client auth"]) { _ in }
        let other: Reconciliation = try await approve(allowed: ["nodeclient", "selfnodeclient"])
        #expect(other.writes.isEmpty && other.requeueAfter == nil)
    }

    private func clean() -> Reconciliation {
        let reconciler = CleaningReconciler(
            requests: cluster.cache(CertificateSigningRequest.self), signer: PaperAuthority())
        return reconciler.reconcile(key, now: cluster.now)
    }

    @Test(arguments: [("", 86_400), ("Denied", 3600), ("Failed", 3600)])
    func `requests go when their time is over`(type: String, life: Int) {
        put("jane/devs", signer: .kubeAPIServerClient, usages: ["client auth"]) {
            $0.status.conditions = type.isEmpty ? [] : [condition(type)]
        }
        #expect(clean().requeueAfter == .seconds(life + 1))
        cluster.advance(seconds: life + 1)
        #expect(clean().writes.count == 1)
    }

    @Test func `an issued request goes after an hour, or with its certificate, and an approved one waits`() {
        put("jane/devs", signer: .kubeAPIServerClient, usages: ["client auth"]) {
            $0.status.conditions = [condition("Approved")]
        }
        #expect(clean().writes.isEmpty && clean().requeueAfter == nil)
        for (end, life) in [(86_400, 3600), (600, 600)] {
            put("jane/devs", signer: .kubeAPIServerClient, usages: ["client auth"]) {
                $0.status.conditions = [condition("Approved")]
                $0.status.certificate = Array("\(cluster.now.adding(seconds: end).seconds) x".utf8)
            }
            #expect(clean().requeueAfter == .seconds(life + 1))
        }
    }
}
