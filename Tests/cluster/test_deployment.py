"""A Deployment's whole life with the real kubectl."""

import json
import subprocess
import time

from conftest import eventually


def pods(cluster, namespace, selector="app=web"):
    return cluster.get("pods", "-n", namespace, "-l", selector)["items"]


def create(cluster, namespace, replicas=3):
    cluster.kubectl(
        "create", "deployment", "web", "-n", namespace, "--image=localhost/bb:2", f"--replicas={replicas}", "--",
        "/bin/sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.2; done")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")


def test_create_scale_and_delete(cluster, namespace):
    create(cluster, namespace)
    assert len(pods(cluster, namespace)) == 3
    cluster.kubectl("scale", "-n", namespace, "deployment/web", "--replicas=5")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    assert len(pods(cluster, namespace)) == 5
    cluster.kubectl("scale", "-n", namespace, "deployment/web", "--replicas=1")
    eventually(lambda: len(pods(cluster, namespace)) == 1, what="one pod left")
    cluster.kubectl("delete", "-n", namespace, "deployment/web", "--wait=false")
    eventually(lambda: not pods(cluster, namespace), what="no pods left")


def test_rolling_update_keeps_enough_pods(cluster, namespace):
    create(cluster, namespace, replicas=4)
    available = cluster.start(
        "get", "deployment", "web", "-n", namespace, "-w", "-o", "jsonpath={.status.availableReplicas}{\"\\n\"}")
    asked = cluster.start(
        "get", "replicasets", "-n", namespace, "-w", "-o", "jsonpath={.metadata.name} {.spec.replicas}{\"\\n\"}")
    try:
        cluster.kubectl("set", "image", "-n", namespace, "deployment/web", "bb=localhost/bb:1")
        cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=90s")
        time.sleep(1)
    finally:
        for watcher in [available, asked]:
            watcher.terminate()
        numbers = [int(line) for line in available.communicate(timeout=10)[0].split()]
        changes = [line.split() for line in asked.communicate(timeout=10)[0].splitlines()]
    assert numbers and min(numbers) >= 3, numbers
    # What is asked for, as upstream: a set that was told to shrink has its pods a moment longer.
    sets, totals = {}, []
    for name, replicas in changes:
        sets[name] = int(replicas)
        totals.append(sum(sets.values()))
    assert len(sets) == 2 and max(totals) == 5, changes
    staying = [pod for pod in pods(cluster, namespace) if "deletionTimestamp" not in pod["metadata"]]
    assert {pod["spec"]["containers"][0]["image"] for pod in staying} == {"localhost/bb:1"}


def test_undo_goes_back_to_the_revision_before(cluster, namespace):
    create(cluster, namespace, replicas=1)
    cluster.kubectl("set", "image", "-n", namespace, "deployment/web", "bb=localhost/bb:1")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    history = cluster.kubectl("rollout", "history", "-n", namespace, "deployment/web")
    assert "1" in history and "2" in history
    cluster.kubectl("rollout", "undo", "-n", namespace, "deployment/web")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    deployment = cluster.get("deployment", "web", "-n", namespace)
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost/bb:2"
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


def test_deleting_with_orphan_leaves_the_replica_set(cluster, namespace):
    create(cluster, namespace, replicas=1)
    cluster.kubectl("delete", "-n", namespace, "deployment/web", "--cascade=orphan")
    sets = cluster.get("replicasets", "-n", namespace)["items"]
    assert len(sets) == 1
    eventually(
        lambda: not cluster.get("replicasets", "-n", namespace)["items"][0]["metadata"].get("ownerReferences"),
        what="the owner reference to be gone")
    assert len(pods(cluster, namespace)) == 1


def test_deleting_in_the_foreground_takes_the_pods_first(cluster, namespace):
    create(cluster, namespace, replicas=2)
    cluster.kubectl("delete", "-n", namespace, "deployment/web", "--cascade=foreground", timeout=90)
    assert not cluster.get("replicasets", "-n", namespace)["items"]
    assert not pods(cluster, namespace)


def test_flow_tells_the_steps_of_a_pod(cluster, namespace):
    create(cluster, namespace, replicas=1)
    name = pods(cluster, namespace)[0]["metadata"]["name"]
    done = cluster.swiftlet("flow", f"pod/{name}", "-n", namespace, "-o", "json", "--data-dir", cluster.directory)
    stages = {entry["stage"] for entry in json.loads(done.stdout)}
    assert {2, 3, 4, 5, 6, 7, 8} <= stages, done.stdout
