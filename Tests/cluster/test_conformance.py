"""What conformance asks of kubectl and of the cluster around it; docs/conformance.md says which test answers what."""

import json
import re
import subprocess

from conftest import eventually
from test_kubectl import pod, running


def deployment(name, replicas=1):
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod(name)["spec"]}}}


def test_versions_are_told(cluster):
    assert "v1" in cluster.kubectl("api-versions").split()
    told = json.loads(cluster.kubectl("version", "-o", "json"))
    assert told["serverVersion"]["gitVersion"].startswith("v1.34.")
    assert {"major", "minor", "gitVersion", "gitCommit", "buildDate", "platform"} <= told["serverVersion"].keys()
    assert re.search(r"control plane.*is running at", cluster.kubectl("cluster-info"))


def test_diff_finds_a_difference_and_changes_nothing(cluster, namespace):
    wanted = deployment("d", replicas=0)
    cluster.apply(wanted, namespace=namespace)
    wanted["spec"]["replicas"] = 1
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "localhost/bb:1"
    found = cluster.kubectl("diff", "-n", namespace, "-f", "-", stdin=json.dumps(wanted), check=False)
    assert found.returncode == 1, found.stderr
    assert "localhost/bb:1" in found.stdout and "+  replicas: 1" in found.stdout
    assert cluster.get("deployment", "d", "-n", namespace)["spec"]["replicas"] == 0


def test_a_server_side_dry_run_changes_nothing(cluster, namespace):
    cluster.kubectl("run", "one", "-n", namespace, "--image=localhost/bb:2", "--", "sleep", "100000")
    patch = json.dumps({"spec": {"containers": [{"name": "one", "image": "localhost/bb:1"}]}})
    cluster.kubectl("patch", "pod", "one", "-n", namespace, "-p", patch, "--dry-run=server")
    assert cluster.get("pod", "one", "-n", namespace)["spec"]["containers"][0]["image"] == "localhost/bb:2"


def test_run_and_replace_the_image(cluster, namespace):
    cluster.kubectl(
        "run", "one", "-n", namespace, "--image=localhost/bb:2", "--restart=Never", "--labels=run=one", "--", "sleep",
        "100000")
    made = cluster.get("pod", "one", "-n", namespace)
    assert made["spec"]["restartPolicy"] == "Never" and made["metadata"]["labels"] == {"run": "one"}
    running(cluster, namespace, "one")
    made = cluster.get("pod", "one", "-n", namespace)
    made["spec"]["containers"][0]["image"] = "localhost/bb:1"
    cluster.kubectl("replace", "-n", namespace, "-f", "-", stdin=json.dumps(made))
    assert cluster.get("pod", "one", "-n", namespace)["spec"]["containers"][0]["image"] == "localhost/bb:1"


def test_expose_finds_the_pods(cluster, namespace):
    cluster.apply(deployment("web"), namespace=namespace)
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    cluster.kubectl("expose", "deployment", "web", "-n", namespace, "--name=first", "--port=1234", "--target-port=80")
    cluster.kubectl("expose", "service", "first", "-n", namespace, "--name=second", "--port=2345", "--target-port=80")
    for name, port in (("first", 1234), ("second", 2345)):
        service = cluster.get("service", name, "-n", namespace)
        assert service["spec"]["ports"][0]["port"] == port and service["spec"]["ports"][0]["targetPort"] == 80
        eventually(
            lambda: cluster.get("endpoints", name, "-n", namespace)["subsets"][0]["addresses"], what="endpoints")


def test_logs_are_filtered(cluster, namespace):
    cluster.apply(pod("talker", "for i in 1 2 3 4; do echo line $i; sleep 0.2; done; sleep 100000"), namespace=namespace)
    text = lambda *words: cluster.kubectl("logs", "talker", "-n", namespace, *words)
    eventually(lambda: "line 4" in text(), what="four lines")
    assert text("--limit-bytes=1") == "l"
    assert text("--tail=1") == "line 4\n"
    stamped = text("--tail=1", "--timestamps")
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) line 4\n$", stamped)
    assert text("--since=24h").count("line") == 4


def test_a_proxy_serves_the_api_on_a_port_and_a_socket(cluster, tmp_path):
    path = tmp_path / "proxy.sock"
    by_port = cluster.start("proxy", "--port=0")
    by_socket = cluster.start("proxy", f"--unix-socket={path}")
    try:
        port = re.search(r"127\.0\.0\.1:(\d+)", by_port.stdout.readline())[1]
        answer = subprocess.run(["curl", "-sf", f"http://127.0.0.1:{port}/api"], capture_output=True, timeout=20)
        assert json.loads(answer.stdout)["kind"] == "APIVersions"
        eventually(path.exists, what="the socket")
        answer = subprocess.run(
            ["curl", "-sf", "--unix-socket", str(path), "http://localhost/api"], capture_output=True, timeout=20)
        assert json.loads(answer.stdout)["versions"] == ["v1"]
    finally:
        for process in (by_port, by_socket):
            process.terminate()
            process.communicate(timeout=10)
