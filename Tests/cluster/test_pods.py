"""What pods can ask for: init containers, probes, hooks, volumes, limits, identity, network."""

import json
import pathlib
import subprocess
import time

import pytest

from conftest import eventually

FOREVER = "trap 'exit 0' TERM; while true; do sleep 0.2; done"


def container(name="main", command=FOREVER, **more):
    return {"name": name, "image": "localhost/bb:2", "command": ["/bin/sh", "-c", command], **more}


def start(cluster, namespace, name, *containers, wait="Ready", **spec):
    cluster.apply(
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"terminationGracePeriodSeconds": 2, "containers": list(containers), **spec},
        }, namespace=namespace)
    if wait:
        cluster.kubectl("wait", "-n", namespace, f"pod/{name}", f"--for=condition={wait}", "--timeout=60s")


def run(cluster, namespace, name, *command, **more):
    return cluster.kubectl("exec", name, "-n", namespace, *more.pop("options", []), "--", *command, **more)


def pod(cluster, namespace, name):
    return cluster.get("pod", name, "-n", namespace)


def test_init_containers_run_in_order_and_sidecars_stay(cluster, namespace):
    shared = [{"name": "shared", "mountPath": "/shared"}]
    start(
        cluster, namespace, "ordered", container(volumeMounts=shared),
        initContainers=[
            container("first", "echo 1 >> /shared/log", volumeMounts=shared),
            container("beside", f"echo side >> /shared/log; {FOREVER}", volumeMounts=shared, restartPolicy="Always"),
            container("second", "echo 2 >> /shared/log", volumeMounts=shared),
        ], volumes=[{"name": "shared", "emptyDir": {}}])
    assert run(cluster, namespace, "ordered", "cat", "/shared/log", options=["-c", "main"]).split()[::2] == ["1", "2"]
    statuses = {s["name"]: s for s in pod(cluster, namespace, "ordered")["status"]["initContainerStatuses"]}
    assert statuses["first"]["state"]["terminated"]["reason"] == "Completed"
    assert "running" in statuses["beside"]["state"]


def test_a_failing_init_container_holds_the_pod(cluster, namespace):
    start(
        cluster, namespace, "held", container(), wait=None, restartPolicy="Never",
        initContainers=[container("fails", "exit 3")])
    eventually(lambda: pod(cluster, namespace, "held")["status"]["phase"] == "Failed", what="the pod to fail")
    assert "Init:Error" in cluster.kubectl("get", "pod", "held", "-n", namespace)


def test_readiness_and_liveness(cluster, namespace):
    start(
        cluster, namespace, "probed",
        container(
            command=f"touch /tmp/alive /tmp/ready; {FOREVER}",
            readinessProbe={"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1, "failureThreshold": 1},
            livenessProbe={"exec": {"command": ["cat", "/tmp/alive"]}, "periodSeconds": 1, "failureThreshold": 1}))
    run(cluster, namespace, "probed", "rm", "/tmp/ready")
    status = lambda: pod(cluster, namespace, "probed")["status"]["containerStatuses"][0]
    eventually(lambda: not status()["ready"], timeout=15, what="the pod to be unready")
    assert status()["restartCount"] == 0
    run(cluster, namespace, "probed", "rm", "/tmp/alive")
    eventually(lambda: status()["restartCount"] == 1 and status()["ready"], timeout=30, what="the restart")
    events = cluster.kubectl("events", "-n", namespace, "--for", "pod/probed")
    assert "Liveness probe failed" in events and "failed liveness probe, will be restarted" in events


def test_http_and_tcp_probes(cluster, namespace):
    serve = "mkdir -p /www; echo ok > /www/healthz; exec httpd -f -p 8080 -h /www"
    start(
        cluster, namespace, "web",
        container(
            command=serve, readinessProbe={"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
            startupProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1}))


def test_crash_loop_backs_off(cluster, namespace):
    start(cluster, namespace, "crasher", container(command="exit 1"), wait=None)
    waiting = lambda: pod(cluster, namespace, "crasher")["status"]["containerStatuses"][0]
    found = eventually(
        lambda: [s for s in [waiting()] if s["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"],
        what="the back-off")[0]
    assert found["lastState"]["terminated"]["exitCode"] == 1
    assert "back-off" in found["state"]["waiting"]["message"]
    assert "CrashLoopBackOff" in cluster.kubectl("get", "pod", "crasher", "-n", namespace)


def test_configuration_reaches_the_container_and_follows_changes(cluster, namespace):
    cluster.kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=color=red")
    cluster.kubectl("create", "secret", "generic", "key", "-n", namespace, "--from-literal=password=s3cret")
    start(
        cluster, namespace, "configured",
        container(
            env=[
                {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}},
                {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "BOTH", "value": "$(COLOR)-$(NAME)"}],
            envFrom=[{"secretRef": {"name": "key"}}],
            volumeMounts=[
                {"name": "settings", "mountPath": "/settings"}, {"name": "key", "mountPath": "/key"},
                {"name": "about", "mountPath": "/about"},
                {"name": "settings", "mountPath": "/one/color", "subPath": "color"}]),
        volumes=[
            {"name": "settings", "configMap": {"name": "settings"}},
            {"name": "key", "secret": {"secretName": "key", "defaultMode": 0o400}},
            {"name": "about", "downwardAPI": {"items": [
                {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}])
    assert run(cluster, namespace, "configured", "sh", "-c", "echo $BOTH $password") == "red-configured s3cret\n"
    assert run(cluster, namespace, "configured", "cat", "/one/color") == "red"
    assert 'app="configured"' in run(cluster, namespace, "configured", "cat", "/about/labels")
    cluster.kubectl("patch", "configmap", "settings", "-n", namespace, "-p", '{"data":{"color":"blue"}}')
    eventually(
        lambda: run(cluster, namespace, "configured", "cat", "/settings/color") == "blue", timeout=30,
        what="the new value")


def test_service_account_inside(cluster, namespace):
    start(cluster, namespace, "inside", container())
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert run(cluster, namespace, "inside", "cat", f"{folder}/namespace") == namespace
    assert run(cluster, namespace, "inside", "cat", f"{folder}/token").count(".") == 2
    assert "BEGIN CERTIFICATE" in run(cluster, namespace, "inside", "cat", f"{folder}/ca.crt")


def test_identity_and_limits(cluster, namespace):
    start(
        cluster, namespace, "limited",
        container(
            securityContext={
                "runAsUser": 1234, "runAsGroup": 2345, "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            resources={"limits": {"memory": "64Mi", "cpu": "500m"}, "requests": {"memory": "32Mi", "cpu": "100m"}},
            volumeMounts=[{"name": "data", "mountPath": "/data"}, {"name": "memory", "mountPath": "/memory"}]),
        securityContext={"fsGroup": 3456},
        volumes=[{"name": "data", "emptyDir": {}}, {"name": "memory", "emptyDir": {"medium": "Memory"}}])
    assert run(cluster, namespace, "limited", "sh", "-c", "id -u; id -g; id -G").split()[:2] == ["1234", "2345"]
    assert "3456" in run(cluster, namespace, "limited", "id", "-G")
    failed = run(cluster, namespace, "limited", "touch", "/nowhere", check=False)
    assert failed.returncode != 0
    run(cluster, namespace, "limited", "touch", "/data/file")
    assert "tmpfs" in run(cluster, namespace, "limited", "sh", "-c", "grep ' /memory ' /proc/mounts")
    found = pod(cluster, namespace, "limited")
    assert found["status"]["qosClass"] == "Burstable"
    assert "CapEff:\t0000000000000000" in run(cluster, namespace, "limited", "cat", "/proc/self/status")


def test_too_much_memory_is_told(cluster, namespace):
    start(
        cluster, namespace, "hungry",
        container(command="head -c 200m /dev/zero | tail > /dev/null", resources={"limits": {"memory": "20Mi"}}),
        wait=None, restartPolicy="Never")
    state = lambda: pod(cluster, namespace, "hungry")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert eventually(state, what="the end")["reason"] in ("OOMKilled", "Error")


def test_pre_stop_and_termination_message(cluster, namespace):
    start(
        cluster, namespace, "polite",
        container(
            lifecycle={
                "postStart": {"exec": {"command": ["sh", "-c", "echo started > /tmp/hook"]}},
                "preStop": {"exec": {"command": ["sh", "-c", "echo stopping > /shared/hook"]}}},
            volumeMounts=[{"name": "shared", "mountPath": "/shared"}]),
        volumes=[{"name": "shared", "hostPath": {"path": f"{cluster.directory}/polite", "type": "DirectoryOrCreate"}}])
    assert run(cluster, namespace, "polite", "cat", "/tmp/hook") == "started\n"
    cluster.kubectl("delete", "pod", "polite", "-n", namespace, "--timeout=30s")
    assert pathlib.Path(f"{cluster.directory}/polite/hook").read_text() == "stopping\n"
    start(
        cluster, namespace, "last", container(command="echo the end > /dev/termination-log; exit 4"), wait=None,
        restartPolicy="Never")
    state = lambda: pod(cluster, namespace, "last")["status"]["containerStatuses"][0]["state"]["terminated"]
    ended = eventually(state, what="the end")
    assert (ended["exitCode"], ended["message"]) == (4, "the end\n")


def test_active_deadline(cluster, namespace):
    start(cluster, namespace, "late", container(), wait=None, activeDeadlineSeconds=2, restartPolicy="Never")
    status = lambda: pod(cluster, namespace, "late")["status"]
    ended = eventually(lambda: [s for s in [status()] if s.get("reason") == "DeadlineExceeded"], what="the deadline")[0]
    # As upstream: the reason comes with the phase that it explains.
    assert ended["phase"] == "Failed"
    assert ended["message"] == "Pod was active on the node longer than the specified deadline"


def test_pods_reach_each_other_and_the_node(cluster, namespace):
    serve = "mkdir -p /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www"
    start(cluster, namespace, "server", container(command=serve))
    start(
        cluster, namespace, "client", container(),
        hostAliases=[{"ip": "192.0.2.77", "hostnames": ["far.example"]}])
    address = pod(cluster, namespace, "server")["status"]["podIP"]
    assert run(cluster, namespace, "client", "wget", "-q", "-O", "-", f"http://{address}/") == "hello\n"
    assert "192.0.2.77\tfar.example" in run(cluster, namespace, "client", "cat", "/etc/hosts")
    assert run(cluster, namespace, "client", "hostname") == "client\n"
    fetched = subprocess.run(["curl", "-s", "-m", "5", f"http://{address}/"], capture_output=True, text=True)
    assert fetched.stdout == "hello\n"


def test_a_static_pod_runs_and_shows(cluster):
    folder = pathlib.Path(cluster.directory) / "manifests"
    folder.mkdir(exist_ok=True)
    manifest = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fixed"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container()]}}
    (folder / "fixed.json").write_text(json.dumps(manifest))
    name = f"fixed-{cluster.node}"
    try:
        eventually(
            lambda: cluster.get("pod", name)["status"]["phase"] == "Running", timeout=60, what="the mirror pod")
    finally:
        (folder / "fixed.json").unlink()
    gone = lambda: cluster.kubectl("get", "pod", name, check=False).returncode != 0
    eventually(gone, timeout=60, what="the static pod to go")


def test_deleting_a_namespace_takes_everything(cluster):
    cluster.kubectl("create", "namespace", "doomed")
    start(cluster, "doomed", "inside", container())
    cluster.kubectl("create", "configmap", "c", "-n", "doomed")
    cluster.kubectl("delete", "namespace", "doomed", "--timeout=60s", timeout=90)
    assert cluster.kubectl("get", "namespace", "doomed", check=False).returncode != 0


def test_a_disruption_budget_holds_an_eviction(cluster, namespace):
    cluster.kubectl(
        "create", "deployment", "guarded", "-n", namespace, "--image=localhost/bb:2", "--replicas=1", "--", "/bin/sh",
        "-c", FOREVER)
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/guarded", "--timeout=60s")
    cluster.kubectl("create", "pdb", "guard", "-n", namespace, "--selector=app=guarded", "--min-available=1")
    eventually(
        lambda: cluster.get("pdb", "guard", "-n", namespace)["status"]["currentHealthy"] == 1, what="the budget")
    name = cluster.get("pods", "-n", namespace, "-l", "app=guarded")["items"][0]["metadata"]["name"]
    eviction = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}})
    refused = cluster.kubectl(
        "create", "--raw", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", "-f", "-", stdin=eviction,
        check=False)
    assert refused.returncode != 0 and "disruption budget" in refused.stderr
