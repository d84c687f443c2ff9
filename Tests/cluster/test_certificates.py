"""Certificate signing requests: made by openssl, approved or denied with kubectl, signed by the cluster, used."""

import base64
import json
import subprocess
import time

import pytest

from conftest import eventually


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Request:
    """A key and a certificate signing request for it."""

    def __init__(self, folder, name, subject, signer, usages, seconds=None, alternative=None, key="rsa:2048"):
        self.name, self.key, self.file = name, folder / f"{name}.key", folder / f"{name}.csr"
        extra = ["-addext", f"subjectAltName={alternative}"] if alternative else []
        openssl("req", "-new", "-newkey", *key.split(), "-nodes", "-keyout", str(self.key), "-out", str(self.file),
                "-subj", subject, *extra)
        self.object = {
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
            "spec": {
                "request": base64.b64encode(self.file.read_bytes()).decode(), "signerName": signer, "usages": usages}}
        if seconds:
            self.object["spec"]["expirationSeconds"] = seconds

    def create(self, cluster, *words):
        return cluster.kubectl("create", "-f", "-", *words, stdin=json.dumps(self.object))

    def refused(self, cluster):
        done = cluster.kubectl("create", "-f", "-", stdin=json.dumps(self.object), check=False)
        assert done.returncode == 1
        return done.stderr

    def condition(self, cluster, kind):
        conditions = cluster.get("csr", self.name)["status"].get("conditions", [])
        return next(c for c in conditions if c["type"] == kind)

    def certificate(self, cluster):
        text = eventually(lambda: cluster.get("csr", self.name)["status"]["certificate"], what="the certificate")
        path = self.file.with_suffix(".crt")
        path.write_bytes(base64.b64decode(text))
        return path


@pytest.fixture
def request_for(cluster, tmp_path):
    made = []

    def make(*words, **more):
        made.append(Request(tmp_path, *words, **more))
        return made[-1]

    yield make
    for one in made:
        cluster.kubectl("delete", "csr", one.name, "--ignore-not-found")


CLIENT = "kubernetes.io/kube-apiserver-client"


def who(cluster, certificate, key):
    """Whom the API server takes the owner of a certificate for."""
    review = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    done = subprocess.run(
        ["curl", "-sk", "-m", "10", "--cert", str(certificate), "--key", str(key), "-H",
         "Content-Type: application/json", "-d", review,
         f"https://127.0.0.1:{cluster.port}/apis/authentication.k8s.io/v1/selfsubjectreviews"],
        capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)["status"]["userInfo"]


def test_a_person_gets_a_certificate_and_is_that_person(cluster, request_for):
    jane = request_for("jane", "/O=devs/O=testers/CN=jane", CLIENT, ["client auth"], seconds=3600)
    jane.create(cluster)
    line = cluster.kubectl("get", "csr", "jane", "--no-headers").split()
    assert line[2:] == [CLIENT, "kubernetes-admin", "60m", "Pending"], line
    assert "certificatesigningrequest.certificates.k8s.io/jane approved" in cluster.kubectl(
        "certificate", "approve", "jane")
    certificate = jane.certificate(cluster)
    assert cluster.kubectl("get", "csr", "jane", "--no-headers").split()[-1] == "Approved,Issued"
    assert jane.condition(cluster, "Approved")["reason"] == "KubectlApprove"
    user = who(cluster, certificate, jane.key)
    assert user["username"] == "jane"
    assert {"devs", "testers", "system:authenticated"} <= set(user["groups"])
    text = openssl("x509", "-in", str(certificate), "-noout", "-text").decode()
    assert "TLS Web Client Authentication" in text and "CA:FALSE" in text and "Server Authentication" not in text
    within = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-checkend", "3650"],
                            capture_output=True, timeout=30)
    assert within.returncode == 1, "it lives longer than it asked for"
    openssl("x509", "-in", str(certificate), "-noout", "-checkend", "3000")
    forbidden = cluster.kubectl(
        "get", "pods", "--kubeconfig=/dev/null", f"--server=https://127.0.0.1:{cluster.port}",
        "--insecure-skip-tls-verify", f"--client-certificate={certificate}", f"--client-key={jane.key}", check=False)
    assert 'User "jane" cannot list resource "pods"' in forbidden.stderr


def test_a_denied_request_is_never_signed(cluster, request_for):
    joe = request_for("joe", "/CN=joe", CLIENT, ["client auth"])
    joe.create(cluster)
    cluster.kubectl("certificate", "deny", "joe")
    assert joe.condition(cluster, "Denied")["reason"] == "KubectlDeny"
    assert cluster.kubectl("get", "csr", "joe", "--no-headers").split()[-1] == "Denied"
    late = cluster.kubectl("certificate", "approve", "joe", check=False)
    assert late.returncode == 1 and "certificate signing request \"joe\" is already Denied" in late.stderr, late.stderr


def test_what_a_signer_does_not_do_fails_in_upstreams_words(cluster, request_for):
    cases = [
        ("wrong-usage", "/CN=a", CLIENT, ["client auth", "server auth"], None,
         "invalid usage for client certificate: server auth"),
        ("no-usage", "/CN=a", CLIENT, ["digital signature"], None,
         "missing required usage for client certificate: client auth"),
        ("no-node", "/O=system:nodes/CN=admin", "kubernetes.io/kube-apiserver-client-kubelet",
         ["client auth", "digital signature"], None, "subject common name does not begin with system:node: "),
        ("no-address", "/O=system:nodes/CN=system:node:a", "kubernetes.io/kubelet-serving",
         ["server auth", "digital signature"], None, "DNS or IP subjectAltName is required"),
        ("not-serving", "/O=system:nodes/CN=system:node:a", "kubernetes.io/kubelet-serving",
         ["client auth", "digital signature"], "DNS:a",
         "usages did not match [digital signature key encipherment server auth]"),
    ]
    for name, subject, signer, usages, alternative, message in cases:
        one = request_for(name, subject, signer, usages, alternative=alternative)
        one.create(cluster)
        cluster.kubectl("certificate", "approve", name)
        failed = eventually(lambda: one.condition(cluster, "Failed"), what=f"the failure of {name}")
        assert (failed["status"], failed["reason"], failed["message"]) == (
            "True", "SignerValidationFailure", message)
        assert cluster.kubectl("get", "csr", name, "--no-headers").split()[-1] == "Approved,Failed"


@pytest.mark.parametrize("kind", ["ed25519", "ec -pkeyopt ec_paramgen_curve:P-521"])
def test_keys_of_every_usual_kind_serve(cluster, request_for, kind):
    one = request_for("unusual", "/O=devs/CN=ed", CLIENT, ["client auth"], key=kind)
    one.create(cluster)
    cluster.kubectl("certificate", "approve", "unusual")
    user = who(cluster, one.certificate(cluster), one.key)
    assert "ed" in json.dumps(user) and "anonymous" not in json.dumps(user)


def test_a_serving_certificate_alone_is_not_approved(cluster, request_for):
    serving = request_for(
        "serving", "/O=system:nodes/CN=system:node:a", "kubernetes.io/kubelet-serving",
        ["server auth", "digital signature", "key encipherment"], alternative="DNS:a.example,IP:10.1.2.3")
    serving.create(cluster)
    legacy = request_for("legacy", "/CN=anything", "kubernetes.io/legacy-unknown", ["code signing"])
    assert "the legacy signer name is not allowed via this API version" in legacy.refused(cluster)
    time.sleep(1)
    assert "conditions" not in cluster.get("csr", "serving")["status"], "nobody approves these but people"
    cluster.kubectl("certificate", "approve", "serving")
    text = openssl("x509", "-in", str(serving.certificate(cluster)), "-noout", "-text").decode()
    assert "DNS:a.example, IP Address:10.1.2.3" in text and "TLS Web Server Authentication" in text
    authority = f"{cluster.directory}/pki/ca.crt"
    openssl("verify", "-CAfile", authority, str(serving.certificate(cluster)))


def test_only_who_may_approve_for_the_signer_approves(cluster, request_for):
    mine = request_for("mine", "/CN=mine", CLIENT, ["client auth"])
    mine.create(cluster)
    group = "certificates.k8s.io"
    rules = [
        {"apiGroups": [group], "resources": ["certificatesigningrequests"], "verbs": ["get", "list"]},
        {"apiGroups": [group], "resources": ["certificatesigningrequests/approval"], "verbs": ["update"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "t-approver"},
            "rules": rules}
    cluster.apply(role)
    try:
        cluster.kubectl("create", "clusterrolebinding", "t-approver", "--clusterrole=t-approver", "--user=anna")

        def refusal():
            text = cluster.kubectl("certificate", "approve", "mine", "--as=anna", check=False).stderr
            return text if "signerName" in text else None

        refused = eventually(refusal, what="the refusal")
        assert "Error from server (Forbidden)" in refused
        assert f'"mine" is forbidden: user not permitted to approve requests with signerName "{CLIENT}"' in refused
        assert "conditions" not in cluster.get("csr", "mine")["status"]
        rules.append({"apiGroups": [group], "resources": ["signers"], "resourceNames": ["kubernetes.io/*"],
                      "verbs": ["approve"]})
        cluster.apply(role)
        eventually(lambda: cluster.kubectl("certificate", "approve", "mine", "--as=anna"), what="the approval")
        mine.certificate(cluster)
    finally:
        cluster.kubectl("delete", "clusterrole,clusterrolebinding", "t-approver", "--ignore-not-found")


def test_nobody_asks_for_an_administrators_certificate(cluster, request_for):
    boss = request_for("boss", "/O=system:masters/CN=boss", CLIENT, ["client auth"])
    assert (
        f'certificatesigningrequests.certificates.k8s.io "boss" is forbidden: use of {CLIENT} signer with '
        "system:masters group is not allowed") in boss.refused(cluster)


def test_a_kubelets_client_certificate_is_approved_by_the_cluster(cluster, request_for):
    role = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"
    cluster.kubectl("create", "clusterrolebinding", "t-rotation", f"--clusterrole={role}", "--group=system:nodes")
    try:
        node = request_for(
            "rotated", "/O=system:nodes/CN=system:node:t9", "kubernetes.io/kube-apiserver-client-kubelet",
            ["client auth", "digital signature", "key encipherment"])
        node.create(cluster, "--as=system:node:t9", "--as-group=system:nodes")
        certificate = node.certificate(cluster)
        approved = node.condition(cluster, "Approved")
        assert approved["reason"] == "AutoApproved"
        assert approved["message"] == "Auto approving self kubelet client certificate after SubjectAccessReview."
        assert who(cluster, certificate, node.key)["username"] == "system:node:t9"
    finally:
        cluster.kubectl("delete", "clusterrolebinding", "t-rotation")
