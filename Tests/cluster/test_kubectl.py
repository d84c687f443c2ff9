"""The verbs of kubectl that people use every day."""

import json
import os
import pathlib
import stat
import subprocess

import pytest

from conftest import eventually


def pod(name, command="sleep 100000", **spec):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": "localhost/bb:2", "command": ["/bin/sh", "-c", command]}], **spec,
        },
    }


def running(cluster, namespace, name, timeout=60):
    cluster.kubectl("wait", "-n", namespace, f"pod/{name}", "--for=condition=Ready", f"--timeout={timeout}s")


def test_apply_again_and_changed(cluster, namespace):
    config = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1", "b": "2"}}
    assert "created" in cluster.apply(config, namespace=namespace)
    assert "unchanged" in cluster.apply(config, namespace=namespace)
    config["data"] = {"a": "3"}
    assert "configured" in cluster.apply(config, namespace=namespace)
    assert cluster.get("configmap", "settings", "-n", namespace)["data"] == {"a": "3"}


def test_edit_with_an_editor_that_is_a_program(cluster, namespace, tmp_path):
    cluster.kubectl("create", "configmap", "settings", "-n", namespace, "--from-literal=a=1")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/a: \\"1\\"/a: \\"2\\"/" "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IEXEC)
    subprocess.run(
        ["kubectl", "edit", "configmap", "settings", "-n", namespace], check=True, timeout=60,
        env={**cluster.environment(), "EDITOR": str(editor)})
    assert cluster.get("configmap", "settings", "-n", namespace)["data"] == {"a": "2"}


def test_label_annotate_and_three_kinds_of_patch(cluster, namespace):
    cluster.kubectl("create", "configmap", "c", "-n", namespace, "--from-literal=a=1")
    cluster.kubectl("label", "configmap", "c", "-n", namespace, "color=red")
    cluster.kubectl("annotate", "configmap", "c", "-n", namespace, "note=well")
    assert "c" in cluster.kubectl("get", "configmap", "-n", namespace, "-l", "color in (red,blue)", "-o", "name")
    cluster.kubectl("patch", "configmap", "c", "-n", namespace, "--type=merge", "-p", '{"data":{"b":"2"}}')
    cluster.kubectl(
        "patch", "configmap", "c", "-n", namespace, "--type=json", "-p",
        '[{"op":"replace","path":"/data/a","value":"9"}]')
    cluster.kubectl("patch", "configmap", "c", "-n", namespace, "-p", '{"metadata":{"labels":{"color":null}}}')
    found = cluster.get("configmap", "c", "-n", namespace)
    assert found["data"] == {"a": "9", "b": "2"}
    assert "labels" not in found["metadata"]
    assert found["metadata"]["annotations"] == {"note": "well"}


def test_outputs(cluster, namespace):
    cluster.apply(pod("out"), namespace=namespace)
    running(cluster, namespace, "out")
    wide = cluster.kubectl("get", "pod", "out", "-n", namespace, "-o", "wide")
    assert wide.split("\n")[0].split()[:6] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"]
    assert "1/1" in wide and cluster.node in wide
    assert cluster.kubectl("get", "pod", "out", "-n", namespace, "-o", "jsonpath={.status.phase}") == "Running"
    columns = cluster.kubectl(
        "get", "pod", "out", "-n", namespace, "-o", "custom-columns=N:.metadata.name,P:.status.phase")
    assert columns.split() == ["N", "P", "out", "Running"]
    yaml = cluster.kubectl("get", "pod", "out", "-n", namespace, "-o", "yaml")
    assert yaml.startswith("apiVersion: v1\nkind: Pod\n")
    described = cluster.kubectl("describe", "pod", "out", "-n", namespace)
    assert "Successfully assigned" in described and "Started container main" in described


def test_watch_shows_a_pod_come_and_go(cluster, namespace):
    watcher = cluster.start("get", "pods", "-n", namespace, "-w", "--output-watch-events")
    try:
        cluster.apply(pod("seen"), namespace=namespace)
        running(cluster, namespace, "seen")
        cluster.kubectl("delete", "pod", "seen", "-n", namespace, "--timeout=60s")
    finally:
        watcher.terminate()
        text, _ = watcher.communicate(timeout=10)
    assert "ADDED" in text and "MODIFIED" in text and "DELETED" in text


def test_logs_and_following_them(cluster, namespace):
    cluster.apply(pod("talker", "for i in 1 2 3; do echo line $i; sleep 0.3; done"), namespace=namespace)
    running_or_done = lambda: cluster.get("pod", "talker", "-n", namespace)["status"]["phase"] != "Pending"
    eventually(running_or_done, what="the pod to start")
    text = cluster.kubectl("logs", "-f", "talker", "-n", namespace, timeout=30)
    assert text == "line 1\nline 2\nline 3\n"
    assert cluster.kubectl("logs", "talker", "-n", namespace, "--tail=1") == "line 3\n"


def test_exec_with_and_without_input(cluster, namespace):
    cluster.apply(pod("box"), namespace=namespace)
    running(cluster, namespace, "box")
    assert cluster.kubectl("exec", "box", "-n", namespace, "--", "echo", "hello") == "hello\n"
    assert cluster.kubectl("exec", "-i", "box", "-n", namespace, "--", "cat", stdin="a\nb\n") == "a\nb\n"
    failed = cluster.kubectl("exec", "box", "-n", namespace, "--", "sh", "-c", "exit 7", check=False)
    assert failed.returncode == 7
    typed = subprocess.run(
        ["script", "-qec", f"kubectl exec -it box -n {namespace} -- /bin/sh -c 'test -t 0 && echo terminal'",
         "/dev/null"], env=cluster.environment(), timeout=30, text=True, capture_output=True)
    assert "terminal" in typed.stdout


def test_copy_in_and_out(cluster, namespace, tmp_path):
    cluster.apply(pod("files"), namespace=namespace)
    running(cluster, namespace, "files")
    (tmp_path / "in.txt").write_text("content " * 10000)
    cluster.kubectl("cp", f"{tmp_path}/in.txt", f"{namespace}/files:/tmp/in.txt")
    cluster.kubectl("cp", f"{namespace}/files:/tmp/in.txt", f"{tmp_path}/out.txt")
    assert (tmp_path / "out.txt").read_text() == "content " * 10000


def test_port_forward(cluster, namespace):
    from conftest import free_port

    spec = pod("web")
    spec["spec"]["containers"][0] = {
        "name": "main", "image": "localhost/bb:2",
        "command": ["/bin/sh", "-c", "mkdir -p /www; echo served > /www/index.html; httpd -f -p 8080 -h /www"]}
    cluster.apply(spec, namespace=namespace)
    running(cluster, namespace, "web")
    port = free_port()
    forward = cluster.start("port-forward", "pod/web", "-n", namespace, f"{port}:8080")
    try:
        fetch = lambda: subprocess.run(
            ["curl", "-sf", "-m", "2", f"http://127.0.0.1:{port}/"], capture_output=True, text=True).stdout == "served\n"
        eventually(fetch, timeout=20, what="the forwarded page")
        assert all(fetch() for _ in range(5))
    finally:
        forward.terminate()
        forward.wait(timeout=10)


def test_explain_teaches(cluster):
    text = cluster.kubectl("explain", "pod.spec.containers", "--recursive")
    assert "livenessProbe" in text and "<Probe>" in text and "DESCRIPTION" in text
    assert "strategy" in cluster.kubectl("explain", "deployment.spec")


def test_cordon_taint_and_drain(cluster, namespace):
    node = cluster.node
    cluster.kubectl(
        "create", "deployment", "guest", "-n", namespace, "--image=localhost/bb:2", "--", "/bin/sh", "-c",
        "trap 'exit 0' TERM; while true; do sleep 0.2; done")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/guest", "--timeout=60s")
    try:
        cluster.kubectl("cordon", node)
        assert "SchedulingDisabled" in cluster.kubectl("get", "node", node)
        cluster.kubectl(
            "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=60s",
            f"--pod-selector=app=guest")
        waiting = lambda: "SchedulingGated" not in cluster.kubectl(
            "get", "pods", "-n", namespace) and "Pending" in cluster.kubectl("get", "pods", "-n", namespace)
        eventually(waiting, what="the new pod to wait")
        assert "were unschedulable" in cluster.kubectl("describe", "pods", "-n", namespace)
    finally:
        cluster.kubectl("uncordon", node)
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/guest", "--timeout=60s")
    cluster.kubectl("taint", "node", node, "dedicated=db:NoSchedule")
    try:
        cluster.apply(pod("unwanted"), namespace=namespace)
        eventually(
            lambda: "untolerated taint {dedicated: db}" in cluster.kubectl(
                "describe", "pod", "unwanted", "-n", namespace), what="the verdict")
    finally:
        cluster.kubectl("taint", "node", node, "dedicated-")
    running(cluster, namespace, "unwanted")


def test_access_questions(cluster, namespace):
    assert cluster.kubectl("auth", "can-i", "create", "deployments").strip() == "yes"
    rules = cluster.kubectl("auth", "can-i", "--list")
    assert "*.*" in rules
    denied = cluster.kubectl(
        "auth", "can-i", "list", "secrets", "-n", namespace, f"--as=system:serviceaccount:{namespace}:default",
        check=False)
    assert denied.stdout.strip() == "no"
    assert "kubernetes-admin" in cluster.kubectl("auth", "whoami")


def test_tokens_of_service_accounts(cluster, namespace):
    token = cluster.kubectl("create", "token", "default", "-n", namespace).strip()
    assert token.count(".") == 2
    command = ["curl", "-sk", "-m", "5", "-H", f"Authorization: Bearer {token}"]
    url = f"https://127.0.0.1:{cluster.port}"
    refused = subprocess.run(
        [*command, f"{url}/api/v1/namespaces/{namespace}/secrets"], capture_output=True, text=True, timeout=10)
    answer = json.loads(refused.stdout)
    assert answer["code"] == 403
    assert f"system:serviceaccount:{namespace}:default" in answer["message"]
    cluster.kubectl(
        "create", "rolebinding", "viewer", "-n", namespace, "--clusterrole=view", f"--serviceaccount={namespace}:default")
    allowed = lambda: json.loads(subprocess.run(
        [*command, f"{url}/api/v1/namespaces/{namespace}/pods"], capture_output=True, text=True, timeout=10
    ).stdout)["kind"] == "PodList"
    eventually(allowed, what="the role binding to count")
    garbled = subprocess.run(
        ["curl", "-sk", "-m", "5", "-H", f"Authorization: Bearer {token[:-6]}AAAAAA", f"{url}/api/v1/pods"],
        capture_output=True, text=True, timeout=10)
    assert json.loads(garbled.stdout)["code"] == 401


def test_what_the_cluster_says_of_itself(cluster):
    assert "deployments" in cluster.kubectl("api-resources")
    assert "is running at" in cluster.kubectl("cluster-info")
    assert cluster.kubectl("get", "--raw", "/readyz") == "ok"
    assert "apiserver_request_total" in cluster.kubectl("get", "--raw", "/metrics")
    assert json.loads(cluster.kubectl("get", "--raw", "/version"))["minor"] == "34"


def test_events_tell_of_a_pod(cluster, namespace):
    cluster.apply(pod("told"), namespace=namespace)
    running(cluster, namespace, "told")
    text = cluster.kubectl("events", "-n", namespace, "--for", "pod/told")
    assert "Scheduled" in text and "Started" in text


def test_debug_with_an_ephemeral_container(cluster, namespace):
    cluster.apply(pod("patient"), namespace=namespace)
    running(cluster, namespace, "patient")
    cluster.kubectl(
        "debug", "patient", "-n", namespace, "--image=localhost/bb:1", "--target=main", "-c", "doctor", "--",
        "/bin/sh", "-c", "echo examined; sleep 1000")
    eventually(
        lambda: cluster.kubectl("logs", "patient", "-n", namespace, "-c", "doctor") == "examined\n",
        what="the doctor's words")


def test_the_clusters_own_objects_come_back(cluster):
    cluster.kubectl("delete", "service", "kubernetes")
    found = eventually(
        lambda: cluster.get("service", "kubernetes"), timeout=30, what="the kubernetes Service")
    assert found["spec"]["clusterIP"] == "10.96.0.1"
