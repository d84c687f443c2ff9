"""Pods whose claims are not there wait, say why in upstream's words, and are tried again when a claim comes."""

from conftest import eventually


def pod_with_claim(claim):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waiter"},
        "spec": {
            "containers": [{"name": "c", "image": "busybox-test", "volumeMounts": [{"name": "d", "mountPath": "/d"}]}],
            "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": claim}}]}}


def claim(name):
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "resources": {"requests": {"storage": "1Mi"}}}}


def ensure_node(cluster):
    """Where no kubelet runs (SWIFTLET_NO_NODE), a node that only the API server knows of will do."""
    if not cluster.get("nodes")["items"]:
        cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "paper"}})


def scheduled_condition(cluster, namespace):
    pod = cluster.get("pod", "waiter", "-n", namespace)
    assert pod["status"]["phase"] == "Pending" and "nodeName" not in pod["spec"]
    return next(c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled")


def test_a_pod_waits_for_its_claim(cluster, namespace):
    ensure_node(cluster)
    nodes = len(cluster.get("nodes")["items"])
    cluster.apply(pod_with_claim("none"), namespace=namespace)
    preemption = (
        f"preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling.")
    missing = f'0/{nodes} nodes are available: persistentvolumeclaim "none" not found. {preemption}'
    condition = eventually(lambda: scheduled_condition(cluster, namespace), what="the condition")
    assert (condition["status"], condition["reason"], condition["message"]) == ("False", "Unschedulable", missing)

    def events():
        return [e["message"] for e in cluster.get("events", "-n", namespace)["items"]
                if e["reason"] == "FailedScheduling"]

    eventually(lambda: missing in events(), what="the event")
    flow = cluster.swiftlet("flow", "pod/waiter", "-n", namespace, "--data-dir", cluster.directory).stdout
    assert 'persistentvolumeclaim "none" not found' in flow, flow

    cluster.apply(claim("none"), namespace=namespace)
    unbound = f"0/{nodes} nodes are available: pod has unbound immediate PersistentVolumeClaims. {preemption}"
    eventually(lambda: scheduled_condition(cluster, namespace)["message"] == unbound, what="another try")
    eventually(lambda: unbound in events(), what="the second event")
