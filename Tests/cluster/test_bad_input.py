"""What is wrong gets upstream's answer, and nothing is lost."""

import json
import subprocess

import pytest

from conftest import eventually


def ask(cluster, method, path, body=None, content="application/json", credentials=True):
    """One raw request as the administrator (or nobody): status code and decoded answer."""
    import base64
    import pathlib
    import re

    folder = pathlib.Path(cluster.directory)
    text = (folder / "admin.kubeconfig").read_text()
    words = ["curl", "-s", "-m", "20", "-k", "-X", method, "-o", "-", "-w", "\n%{http_code}"]
    if credentials:
        for option, key in (("--cert", "client-certificate-data"), ("--key", "client-key-data")):
            file = folder / f"test{option}.pem"
            if not file.exists():
                file.write_bytes(base64.b64decode(re.search(f"{key}: (\\S+)", text).group(1)))
            words += [option, str(file)]
    if body is not None:
        words += ["-H", f"Content-Type: {content}", "--data-binary", "@-"]
    done = subprocess.run(
        [*words, f"https://127.0.0.1:{cluster.port}{path}"], input=body, capture_output=True, timeout=30)
    answer, _, code = done.stdout.rpartition(b"\n")
    try:
        return int(code), json.loads(answer)
    except ValueError:
        return int(code), answer


MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(
    "body,code,part",
    [
        (b"this is not JSON", 400, ""),
        (
            b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"},"data":{"a":1}}', 400,
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct '
            "field ConfigMap.data of type string"),
        (b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"Bad_Name"}}', 422, "Invalid value"),
        (b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}', 400, ""),
        (b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}', 422, "name or generateName is required"),
    ],
)
def test_wrong_bodies(cluster, body, code, part):
    got, answer = ask(cluster, "POST", MAPS, body)
    assert got == code, answer
    assert answer["kind"] == "Status" and part in answer["message"], answer


SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
OLD_LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')")
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"


@pytest.mark.parametrize(
    "path,kind,name,reason",
    [
        (MAPS, "v1/ConfigMap", "Bad_Name", SUBDOMAIN),
        (MAPS, "v1/ConfigMap", "-a", SUBDOMAIN),
        (MAPS, "v1/ConfigMap", "ü", SUBDOMAIN),
        (MAPS, "v1/ConfigMap", "a" * 254, "must be no more than 253 characters"),
        ("/api/v1/namespaces", "v1/Namespace", "a.b", "must not contain dots"),
        ("/api/v1/namespaces", "v1/Namespace", "A", LABEL),
        ("/api/v1/namespaces", "v1/Namespace", "a" * 64, "must be no more than 63 characters"),
        ("/api/v1/namespaces/default/services", "v1/Service", "1a", OLD_LABEL),
        (ROLES, "rbac.authorization.k8s.io/v1/Role", "a/b", "may not contain '/'"),
        (ROLES, "rbac.authorization.k8s.io/v1/Role", "..", "may not be '..'"),
    ],
)
def test_names_that_are_invalid(cluster, path, kind, name, reason):
    version, _, kind = kind.rpartition("/")
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    if kind == "Service":
        body["spec"] = {"ports": [{"port": 80}]}
    code, answer = ask(cluster, "POST", path, json.dumps(body).encode())
    assert code == 422 and answer["reason"] == "Invalid", answer
    cause = {"reason": "FieldValueInvalid", "message": f'Invalid value: "{name}": {reason}', "field": "metadata.name"}
    assert cause in answer["details"]["causes"], answer


def test_unknown_fields_are_refused_when_asked_to(cluster):
    body = b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"strict"},"dta":{"a":"1"}}'
    code, answer = ask(cluster, "POST", f"{MAPS}?fieldValidation=Strict", body)
    assert code == 400 and 'unknown field "dta"' in answer["message"]


def test_an_enormous_body(cluster):
    body = b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"big"},"data":{"a":"' + b"x" * (4 << 20) + b'"}}'
    code, _ = ask(cluster, "POST", MAPS, body)
    assert code == 413


def test_a_stale_update(cluster, namespace):
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    ask(cluster, "POST", path, b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c"}}')
    _, first = ask(cluster, "GET", f"{path}/c")
    first["data"] = {"a": "1"}
    code, _ = ask(cluster, "PUT", f"{path}/c", json.dumps(first).encode())
    assert code == 200
    code, answer = ask(cluster, "PUT", f"{path}/c", json.dumps(first | {"data": {"a": "2"}}).encode())
    assert code == 409 and "the object has been modified" in answer["message"]


def test_names_that_do_not_agree(cluster, namespace):
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}}
    assert ask(cluster, "POST", path, json.dumps(body).encode())[0] == 201
    code, answer = ask(cluster, "POST", path, json.dumps(body).encode())
    assert (code, answer["reason"]) == (409, "AlreadyExists")
    assert answer["message"] == 'configmaps "c" already exists'
    other = body | {"metadata": {"name": "d"}}
    code, answer = ask(cluster, "PUT", f"{path}/c", json.dumps(other).encode())
    assert code == 400
    assert answer["message"] == "the name of the object (d) does not match the name on the URL (c)"
    elsewhere = body | {"metadata": {"name": "e", "namespace": "default"}}
    code, answer = ask(cluster, "POST", path, json.dumps(elsewhere).encode())
    assert code == 400
    assert answer["message"] == "the namespace of the provided object does not match the namespace sent on the request"
    gone = body | {"metadata": {"name": "nobody", "uid": "0", "resourceVersion": "1"}}
    code, answer = ask(cluster, "PUT", f"{path}/nobody", json.dumps(gone).encode())
    assert code == 404, answer


def test_nobody_may_look(cluster):
    code, answer = ask(cluster, "GET", "/api/v1/pods", credentials=False)
    assert code in (401, 403)
    code, answer = ask(cluster, "GET", "/healthz", credentials=False)
    assert code == 200


def test_an_image_that_does_not_exist(cluster, namespace):
    cluster.kubectl("run", "lost", "-n", namespace, "--image=127.0.0.1:1/none:1", "--restart=Never")
    reason = lambda: cluster.get("pod", "lost", "-n", namespace)["status"]["containerStatuses"][0]["state"][
        "waiting"]["reason"] in ("ErrImagePull", "ImagePullBackOff")
    eventually(reason, what="the pull to fail")
    done = cluster.swiftlet("flow", "pod/lost", "-n", namespace, "--data-dir", cluster.directory)
    assert "waits" in done.stdout


def test_a_command_that_does_not_exist(cluster, namespace):
    cluster.kubectl(
        "run", "broken", "-n", namespace, "--image=localhost/bb:2", "--restart=Never", "--command", "--", "/no/such")
    state = lambda: cluster.get("pod", "broken", "-n", namespace)["status"]["containerStatuses"][0]["state"]
    found = eventually(
        lambda: [s for s in [state()] if "terminated" in s or s.get("waiting", {}).get("reason") == "RunContainerError"],
        what="the failure to show")
    assert "/no/such" in json.dumps(found)


def test_a_full_quota(cluster, namespace):
    cluster.kubectl("create", "quota", "few", "-n", namespace, "--hard=configmaps=2")
    eventually(
        lambda: cluster.get("quota", "few", "-n", namespace)["status"].get("used"), what="the quota to be counted")
    codes = []
    for number in range(4):
        code, answer = ask(
            cluster, "POST", f"/api/v1/namespaces/{namespace}/configmaps",
            json.dumps({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": f"c{number}"}}).encode())
        codes.append(code)
    assert 403 in codes
