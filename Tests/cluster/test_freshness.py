"""What has been answered counts at once: access, accounts, quotas and defaults never lag behind a write."""

import base64
import http.client
import json
import pathlib
import re
import shutil
import ssl
import tempfile

import pytest

from conftest import Cluster, eventually

ROUNDS = 200


class Connection:
    """One kept connection with the administrator's certificate, perhaps on behalf of somebody else."""

    def __init__(self, cluster):
        folder = pathlib.Path(cluster.directory)
        text = (folder / "admin.kubeconfig").read_text()
        context = ssl._create_unverified_context()
        pem = folder / "fresh.pem"
        pem.write_bytes(b"".join(
            base64.b64decode(re.search(f"{key}: (\\S+)", text).group(1))
            for key in ("client-certificate-data", "client-key-data")))
        context.load_cert_chain(pem)
        self.connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=context, timeout=20)

    def ask(self, method, path, body=None, user=None, token=None):
        headers = {"Content-Type": "application/json"}
        if user:
            headers["Impersonate-User"] = user
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        return answer.status, json.loads(data)

    def make(self, path, kind, name, version="v1", **more):
        code, answer = self.ask(
            "POST", path, {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more})
        assert code == 201, answer
        return answer


@pytest.fixture(scope="module")
def server():
    """A control plane alone: nothing that would make up for a late write."""
    directory = tempfile.mkdtemp(prefix="swiftlet-fresh-")
    cluster = Cluster(directory, with_node=False)
    try:
        cluster.up()
        yield Connection(cluster)
    finally:
        cluster.reset()
        shutil.rmtree(directory, ignore_errors=True)


RBAC = "rbac.authorization.k8s.io/v1"


def role_path(namespace):
    return f"/apis/{RBAC}/namespaces/{namespace}"


def test_a_namespace_is_used_at_once(server):
    for number in range(ROUNDS):
        name = f"n-{number}"
        server.make("/api/v1/namespaces", "Namespace", name)
        server.make(f"/api/v1/namespaces/{name}/configmaps", "ConfigMap", "c")


def test_a_role_counts_at_once_and_no_longer_than_it_is_there(server):
    server.make("/api/v1/namespaces", "Namespace", "roles")
    maps = "/api/v1/namespaces/roles/configmaps"
    for number in range(ROUNDS):
        user, name = f"user-{number}", f"r-{number}"
        code, _ = server.ask("GET", maps, user=user)
        assert code == 403
        server.make(
            f"{role_path('roles')}/roles", "Role", name, RBAC,
            rules=[{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}])
        server.make(
            f"{role_path('roles')}/rolebindings", "RoleBinding", name, RBAC,
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}])
        code, answer = server.ask("GET", maps, user=user)
        assert code == 200, f"round {number}: {answer}"
        assert server.ask("DELETE", f"{role_path('roles')}/rolebindings/{name}")[0] == 200
        code, _ = server.ask("GET", maps, user=user)
        assert code == 403, f"round {number}: a deleted binding still counts"


def test_a_service_account_is_used_at_once(server):
    server.make("/api/v1/namespaces", "Namespace", "accounts")
    base = "/api/v1/namespaces/accounts"
    container = {"name": "main", "image": "localhost/bb:2"}
    for number in range(ROUNDS):
        name = f"a-{number}"
        server.make(f"{base}/serviceaccounts", "ServiceAccount", name)
        pod = server.make(
            f"{base}/pods", "Pod", name, spec={"serviceAccountName": name, "containers": [container]})
        assert pod["spec"]["serviceAccountName"] == name
        code, answer = server.ask(
            "POST", f"{base}/serviceaccounts/{name}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        assert code == 201, answer
        code, review = server.ask(
            "POST", "/apis/authentication.k8s.io/v1/tokenreviews",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
             "spec": {"token": answer["status"]["token"]}})
        assert review["status"].get("authenticated") is True, review


def test_a_quota_holds_as_soon_as_it_says_so(server):
    """As upstream, a quota counts from its first status on."""
    for number in range(ROUNDS):
        name = f"q-{number}"
        server.make("/api/v1/namespaces", "Namespace", name)
        quotas = f"/api/v1/namespaces/{name}/resourcequotas"
        server.make(quotas, "ResourceQuota", "one", spec={"hard": {"secrets": "1"}})
        eventually(lambda: server.ask("GET", f"{quotas}/one")[1].get("status", {}).get("hard"), what="the status")
        secrets = f"/api/v1/namespaces/{name}/secrets"
        server.make(secrets, "Secret", "fits")
        code, answer = server.ask(
            "POST", secrets, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "too-many"}})
        assert code == 403, f"round {number}: {answer}"
        assert "exceeded quota: one, requested: secrets=1, used: secrets=1, limited: secrets=1" in answer["message"]


def test_defaults_of_a_namespace_count_at_once(server):
    container = {"name": "main", "image": "localhost/bb:2"}
    for number in range(ROUNDS):
        name = f"l-{number}"
        server.make("/api/v1/namespaces", "Namespace", name)
        base = f"/api/v1/namespaces/{name}"
        server.ask(
            "POST", f"{base}/serviceaccounts",
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
        server.make(
            f"{base}/limitranges", "LimitRange", "limits",
            spec={"limits": [{"type": "Container", "default": {"memory": f"{number + 1}Mi"}}]})
        pod = server.make(f"{base}/pods", "Pod", "p", spec={"containers": [container]})
        assert pod["spec"]["containers"][0]["resources"]["limits"] == {"memory": f"{number + 1}Mi"}, pod


def test_classes_are_used_at_once(server):
    server.make("/api/v1/namespaces", "Namespace", "classes")
    server.ask(
        "POST", "/api/v1/namespaces/classes/serviceaccounts",
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
    container = {"name": "main", "image": "localhost/bb:2"}
    for number in range(ROUNDS):
        name = f"p-{number}"
        server.make(
            "/apis/scheduling.k8s.io/v1/priorityclasses", "PriorityClass", name, "scheduling.k8s.io/v1",
            value=number + 1)
        server.make(
            "/apis/node.k8s.io/v1/runtimeclasses", "RuntimeClass", name, "node.k8s.io/v1", handler="runc",
            overhead={"podFixed": {"memory": f"{number + 1}Mi"}})
        pod = server.make(
            "/api/v1/namespaces/classes/pods", "Pod", name,
            spec={"priorityClassName": name, "runtimeClassName": name, "containers": [container]})
        assert pod["spec"]["priority"] == number + 1
        assert pod["spec"]["overhead"] == {"memory": f"{number + 1}Mi"}
