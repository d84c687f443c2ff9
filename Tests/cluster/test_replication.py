"""Replication controllers with the real kubectl; only pods that run need a node."""

import pytest

from conftest import eventually


def controller(name, replicas=2):
    script = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
    return {
        "apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": name, "labels": {"tier": "x"}},
        "spec": {
            "replicas": replicas, "selector": {"app": name},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "main", "image": "localhost/bb:1", "command": ["/bin/sh", "-c", script],
                    "ports": [{"containerPort": 80}]}]}}}}


@pytest.fixture
def pods_of(cluster, namespace):
    return lambda name: cluster.get("pods", "-n", namespace, "-l", f"app={name}")["items"]


def create(cluster, namespace, pods_of, name="web", replicas=2):
    cluster.apply(controller(name, replicas), namespace=namespace)
    eventually(lambda: len(pods_of(name)) == replicas, what="its pods")
    return pods_of(name)


def test_it_scales_and_stops(cluster, namespace, pods_of):
    create(cluster, namespace, pods_of)
    if cluster.with_node:
        eventually(
            lambda: cluster.get("rc", "web", "-n", namespace)["status"].get("readyReplicas") == 2, what="ready pods")
    for replicas in (1, 3):
        cluster.kubectl("scale", "rc", "web", "-n", namespace, f"--replicas={replicas}", "--timeout=60s")
        eventually(lambda: len(pods_of("web")) == replicas, what=f"{replicas} pods")
        eventually(
            lambda: cluster.get("rc", "web", "-n", namespace)["status"]["replicas"] == replicas, what="the status")
    cluster.kubectl("delete", "rc", "web", "-n", namespace)
    eventually(lambda: not pods_of("web"), what="no pods left")


def test_describe_tells_of_it_and_its_pods(cluster, namespace, pods_of):
    pod = create(cluster, namespace, pods_of)[0]["metadata"]["name"]
    eventually(lambda: cluster.get("rc", "web", "-n", namespace)["status"]["replicas"] == 2, what="the status")
    text = cluster.kubectl("describe", "rc", "web", "-n", namespace)
    for words in ("Name:", "web", "Selector:", "app=web", "Labels:", "tier=x", "2 current / 2 desired", "Pods Status:",
                  "Image:", "localhost/bb:1", "SuccessfulCreate", "replication-controller"):
        assert words in text, text
    text = cluster.kubectl("describe", "pod", pod, "-n", namespace)
    assert "Controlled By:" in text and "ReplicationController/web" in text


def test_expose_makes_services_for_it(cluster, namespace, pods_of):
    create(cluster, namespace, pods_of)
    cluster.kubectl("expose", "rc", "web", "-n", namespace, "--name=first", "--port=1234", "--target-port=80")
    service = cluster.get("service", "first", "-n", namespace)
    assert service["spec"]["selector"] == {"app": "web"}
    assert service["spec"]["ports"][0]["port"] == 1234 and service["spec"]["ports"][0]["targetPort"] == 80
    if cluster.with_node:
        eventually(
            lambda: len(cluster.get("endpoints", "first", "-n", namespace)["subsets"][0]["addresses"]) == 2,
            what="endpoints")


def test_patch_annotates_its_pods(cluster, namespace, pods_of):
    for pod in create(cluster, namespace, pods_of):
        cluster.kubectl("patch", "pod", pod["metadata"]["name"], "-n", namespace, "-p",
                        '{"metadata":{"annotations":{"x":"y"}}}')
    assert all(pod["metadata"]["annotations"]["x"] == "y" for pod in pods_of("web"))


def test_the_ways_of_deleting_it(cluster, namespace, pods_of):
    create(cluster, namespace, pods_of, "behind")
    cluster.kubectl("delete", "rc", "behind", "-n", namespace, "--cascade=background")
    eventually(lambda: not pods_of("behind"), what="pods collected")

    create(cluster, namespace, pods_of, "before")
    cluster.kubectl("delete", "rc", "before", "-n", namespace, "--cascade=foreground", timeout=90)
    assert not pods_of("before"), "it stays until its pods are gone"

    create(cluster, namespace, pods_of, "without")
    cluster.kubectl("delete", "rc", "without", "-n", namespace, "--cascade=orphan")
    orphans = pods_of("without")
    assert len(orphans) == 2
    assert all("ownerReferences" not in pod["metadata"] for pod in orphans)
    cluster.apply(controller("without"), namespace=namespace)
    eventually(
        lambda: all(pod["metadata"].get("ownerReferences") for pod in pods_of("without")), what="orphans taken in")
    assert sorted(p["metadata"]["uid"] for p in pods_of("without")) == sorted(p["metadata"]["uid"] for p in orphans)
