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
        (b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"},"data":{"a":1}}', 400, ""),
        (b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"Bad_Name"}}', 422, "Invalid value"),
        (b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}', 400, ""),
        (b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}', 422, "name or generateName is required"),
    ],
)
def test_wrong_bodies(cluster, body, code, part):
    got, answer = ask(cluster, "POST", MAPS, body)
    assert got == code, answer
    assert answer["kind"] == "Status" and part in answer["message"], answer


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
