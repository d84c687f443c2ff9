"""Who may do what, as the real kubectl sees it: on a control plane without a node, with every guard on."""

import base64
import json
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import pytest

from conftest import BINARY, Cluster, eventually

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]}
- level: Metadata
  resources: [{group: "", resources: [secrets, serviceaccounts/token]}]
- {level: Request, verbs: [create]}
- level: Metadata
"""

FIRST_KEY = base64.b64encode(b"1" * 32).decode()
SECOND_KEY = base64.b64encode(b"2" * 32).decode()


def encryption(*keys):
    entries = "".join(f"\n        - {{name: {name}, secret: {secret}}}" for name, secret in keys)
    return f"""
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aesgcm:
      keys:{entries}
  - identity: {{}}
"""


class ControlPlane(Cluster):
    """A control plane in the foreground, with files beside its data."""

    process = None

    def file(self, name, text):
        path = pathlib.Path(self.directory) / name
        path.write_text(text)
        return str(path)

    def run(self, *words):
        log = open(pathlib.Path(self.directory) / "test.log", "a")
        self.process = subprocess.Popen(
            [BINARY, "up", "--no-node", "--data-dir", self.directory, "--port", str(self.port), "--bind-address",
             "127.0.0.1", "--audit-policy-file", self.file("policy.yaml", POLICY), "--audit-log-path",
             f"{self.directory}/audit.log", "--enable-bootstrap-token-auth", *words],
            stdout=log, stderr=log)
        eventually(lambda: self.kubectl("get", "namespaces"), what="the API server")
        eventually(lambda: self.kubectl("get", "clusterrole", "view"), what="the default roles")

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def events(self):
        text = (pathlib.Path(self.directory) / "audit.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def curl(self, path, *words):
        done = subprocess.run(
            ["curl", "-s", "-k", "-m", "20", "-w", "\n%{http_code}", *words, f"https://127.0.0.1:{self.port}{path}"],
            capture_output=True, text=True, timeout=30)
        body, _, code = done.stdout.rpartition("\n")
        return int(code), body


@pytest.fixture(scope="module")
def guarded():
    directory = tempfile.mkdtemp(prefix="swiftlet-access-")
    plane = ControlPlane(directory)
    try:
        plane.run("--encryption-provider-config", plane.file("first.yaml", encryption(("first", FIRST_KEY))))
        yield plane
    finally:
        plane.stop()
        shutil.rmtree(directory, ignore_errors=True)


def test_pod_security_refuses_and_warns(guarded):
    guarded.kubectl("create", "namespace", "strict")
    guarded.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")
    eventually(lambda: guarded.kubectl("get", "serviceaccount", "default", "-n", "strict"), what="the account")
    refused = guarded.kubectl("run", "x", "-n", "strict", "--image=a", check=False)
    assert refused.returncode != 0
    assert 'pods "x" is forbidden: violates PodSecurity "restricted:latest": ' in refused.stderr
    assert 'allowPrivilegeEscalation != false (container "x" must set' in refused.stderr
    made = guarded.kubectl("create", "deployment", "d", "-n", "strict", "--image=a", check=False)
    assert made.returncode == 0
    assert 'Warning: would violate PodSecurity "restricted:latest"' in made.stderr
    wrong = guarded.kubectl(
        "label", "--overwrite", "namespace", "strict", "pod-security.kubernetes.io/enforce=tight", check=False)
    assert "must be one of privileged, baseline, restricted" in wrong.stderr


def test_anonymous_and_forged_callers(guarded):
    code, body = guarded.curl("/api/v1/secrets")
    assert code == 403 and 'User \\"system:anonymous\\" cannot list resource \\"secrets\\"' in body
    assert guarded.curl("/version")[0] == 200
    assert guarded.curl("/api")[0] == 403
    folder = pathlib.Path(guarded.directory)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/O=system:masters/CN=admin", "-keyout", folder / "forged.key", "-out", folder / "forged.crt"],
        check=True, capture_output=True, timeout=30)
    code, body = guarded.curl("/api/v1/secrets", "--cert", folder / "forged.crt", "--key", folder / "forged.key")
    assert code == 401, body
    assert guarded.curl("/version", "-H", "Authorization: Bearer nonsense")[0] == 401


def test_bootstrap_tokens(guarded):
    guarded.kubectl(
        "create", "secret", "generic", "bootstrap-token-abcdef", "-n", "kube-system",
        "--type=bootstrap.kubernetes.io/token", "--from-literal=token-id=abcdef",
        "--from-literal=token-secret=0123456789abcdef", "--from-literal=usage-bootstrap-authentication=true")
    code, body = guarded.curl(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews", "-H", "Authorization: Bearer abcdef.0123456789abcdef", "-H",
        "Content-Type: application/json", "-d",
        '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}')
    assert code == 201, body
    user = json.loads(body)["status"]["userInfo"]
    assert user["username"] == "system:bootstrap:abcdef"
    assert "system:bootstrappers" in user["groups"]


def test_secrets_are_kept_encrypted_and_keys_rotate(guarded):
    guarded.kubectl("create", "secret", "generic", "s", "--from-literal=password=hunter2hunter2")
    assert stored(guarded, "default/s").startswith(b"k8s:enc:aesgcm:v1:first:")
    guarded.stop()
    guarded.run(
        "--encryption-provider-config",
        guarded.file("second.yaml", encryption(("second", SECOND_KEY), ("first", FIRST_KEY))))
    everything = guarded.kubectl("get", "secrets", "-A", "-o", "json")
    assert "aHVudGVyMmh1bnRlcjI=" in everything
    assert stored(guarded, "default/s").startswith(b"k8s:enc:aesgcm:v1:first:")
    guarded.kubectl("replace", "-f", "-", stdin=everything)
    assert stored(guarded, "default/s").startswith(b"k8s:enc:aesgcm:v1:second:")


def stored(plane, name):
    """The newest value of a secret in the store's file."""
    for path in pathlib.Path(plane.directory).rglob("*"):
        if not path.is_file() or path.read_bytes()[:15] != b"SQLite format 3":
            continue
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
                found = [
                    value
                    for row in database.execute(f"select * from {table}").fetchall()
                    if any(isinstance(cell, bytes) and cell.endswith(name.encode()) for cell in row)
                    for value in row
                    if isinstance(value, bytes) and b"k8s:enc" in value[:8]
                ]
                if found:
                    return found[-1]
    raise AssertionError(f"{name} is not in the store")


def test_the_audit_log_tells_who_did_what(guarded):
    guarded.kubectl("create", "configmap", "audited", "--from-literal=a=b")
    guarded.kubectl("create", "secret", "generic", "hidden", "--from-literal=password=topsecret")
    guarded.kubectl("get", "configmap", "audited", "--as=jane", check=False)

    def find(**wanted):
        for event in guarded.events():
            reference = event.get("objectRef", {})
            if all(reference.get(key, event.get(key)) == value for key, value in wanted.items()):
                return event
        return None

    made = eventually(lambda: find(name="audited", verb="create"), what="the event")
    assert made["level"] == "Request" and made["requestObject"]["data"] == {"a": "b"}
    assert made["responseStatus"]["code"] == 201
    assert made["annotations"]["authorization.k8s.io/decision"] == "allow"
    hidden = eventually(lambda: find(name="hidden", verb="create"), what="the event")
    assert hidden["level"] == "Metadata" and "requestObject" not in hidden
    refused = eventually(lambda: find(name="audited", verb="get"), what="the event")
    assert refused["impersonatedUser"]["username"] == "jane"
    assert refused["responseStatus"]["code"] == 403
    assert refused["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert "dG9wc2VjcmV0" not in (pathlib.Path(guarded.directory) / "audit.log").read_text()
