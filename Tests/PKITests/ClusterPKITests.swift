import Foundation
import PKI
import Testing

@Suite struct ClusterPKITests {
    let directory: TemporaryDirectory
    let start: Int = 1_800_000_000
    let day: Int = 86_400

    init() throws { directory = try TemporaryDirectory() }

    private func ensure(
        hostnames: [String] = ["a"], ips: [String] = ["10.0.0.1"], at now: Int
    ) throws -> (pki: ClusterPKI, changes: [ClusterPKI.Change]) {
        try ClusterPKI.ensure(
            at: directory.path + "/pki", nodeName: "n1", hostnames: hostnames, ips: ips, now: now)
    }

    @Test func `what lacks is made once, and then only read`() throws {
        let (first, changes) = try ensure(at: start)
        #expect(changes.count == 10)
        let (second, none) = try ensure(at: start + 100 * day)
        #expect(none == [])
        #expect(try second.pair(.kubelet) == first.pair(.kubelet))
        #expect(second.serviceAccountKey.pem == first.serviceAccountKey.pem)
        let node: PeerIdentity = try PeerIdentity(certificatePEM: second.pair(.kubelet).certificate)
        #expect(node.commonName == "system:node:n1" && node.organizations == ["system:nodes"])
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/pki/ca.key")
        #expect((attributes[.posixPermissions] as? Int) == 0o600)
    }

    @Test func `near its end a certificate is renewed, and with a new name issued anew`() throws {
        let (first, _) = try ensure(at: start)
        let (_, early) = try ensure(at: start + 243 * day)
        #expect(early == [])
        let (second, renewed) = try ensure(at: start + 244 * day)
        #expect(renewed.count == 8 && renewed.contains(.renewed("admin")))
        #expect(try second.pair(.admin) != first.pair(.admin))
        let (third, anew) = try ensure(hostnames: ["a", "b"], ips: ["10.0.0.1"], at: start + 245 * day)
        #expect(anew == [.reissued("apiserver"), .reissued("kubelet-serving")])
        #expect(try PeerIdentity(certificatePEM: third.pair(.apiserver).certificate).dnsNames == ["a", "b"])
        let (_, old) = try ensure(hostnames: ["a", "b"], at: start + 9 * 365 * day)
        #expect(old.contains(.nearEnd("ca")))
        #expect(throws: PKIError.self) { try ensure(at: start + 11 * 365 * day) }
    }

    @Test func `files that do not belong together are named, with what to do`() throws {
        _ = try ensure(at: start)
        let admin: [UInt8] = try directory.read("pki/admin.key")
        try directory.write(directory.read("pki/scheduler.key"), "pki/admin.key")
        let wrongKey: PKIError? = #expect(throws: PKIError.self) { try ensure(at: start) }
        #expect(wrongKey?.message.contains("pki/admin.crt and .key: the key does not belong") == true)
        #expect(wrongKey?.message.contains("remove both files") == true)
        try directory.write(admin, "pki/admin.key")
        try directory.write(Array("nonsense".utf8), "pki/kubelet.crt")
        #expect(throws: PKIError.self) { try ensure(at: start) }
        try directory.remove("pki/kubelet.crt")
        #expect(try ensure(at: start).changes == [.created("kubelet")])
        try directory.remove("pki/ca.key")
        let noKey: PKIError? = #expect(throws: PKIError.self) { try ensure(at: start) }
        #expect(noKey?.message.contains("ca.key is missing") == true)
    }

    @Test func `a kubeconfig holds everything, quoted`() throws {
        let (pki, _) = try ensure(at: start)
        let pair: CertifiedKey = try pki.pair(.admin)
        let text: String = String(
            decoding: Kubeconfig.encode(
                server: "https://127.0.0.1:6443", authority: pki.authority.certificatePEM, user: "a\"b", client: pair),
            as: UTF8.self)
        #expect(text.contains("server: \"https://127.0.0.1:6443\"\n"))
        #expect(text.contains("- name: \"a\\\"b\"\n"))
        #expect(text.contains("client-key-data: \(Data(pair.key).base64EncodedString())\n"))
        try Kubeconfig.write(Array(text.utf8), to: directory.path + "/etc/admin.kubeconfig")
        #expect(try directory.read("etc/admin.kubeconfig") == Array(text.utf8))
    }

    @Test func `reading everything at boot takes milliseconds`() throws {
        _ = try ensure(at: start)
        let clock: ContinuousClock = ContinuousClock()
        let times: [Duration] = try (0..<5).map { _ in try clock.measure { _ = try ensure(at: start) } }
        // Optimised it is far below 10 ms; this build is not optimised and shares its cores.
        #expect(try #require(times.min()) < .milliseconds(300), "\(times)")
    }
}
