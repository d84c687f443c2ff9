"""The Python package `kubernetes`, unchanged."""

import threading

import pytest
from kubernetes import client, config, watch
from kubernetes.stream import stream

from conftest import eventually


@pytest.fixture(scope="module")
def core(cluster):
    config.load_kube_config(cluster.kubeconfig)
    return client.CoreV1Api()


def body(name):
    container = client.V1Container(name="main", image="localhost/bb:2", command=["/bin/sleep", "100000"])
    return client.V1Pod(
        metadata=client.V1ObjectMeta(name=name),
        spec=client.V1PodSpec(containers=[container], termination_grace_period_seconds=0))


def test_create_list_watch_patch_exec_delete(core, namespace):
    core.create_namespaced_pod(namespace, body("py"))
    seen = []
    for event in watch.Watch().stream(core.list_namespaced_pod, namespace, timeout_seconds=60):
        seen.append((event["type"], event["object"].status.phase))
        if event["object"].status.phase == "Running":
            break
    assert seen[-1][1] == "Running"
    assert [pod.metadata.name for pod in core.list_namespaced_pod(namespace).items] == ["py"]
    patched = core.patch_namespaced_pod("py", namespace, {"metadata": {"labels": {"from": "python"}}})
    assert patched.metadata.labels == {"from": "python"}
    ready = lambda: core.read_namespaced_pod("py", namespace).status.conditions
    eventually(ready)
    text = stream(
        core.connect_get_namespaced_pod_exec, "py", namespace, command=["echo", "from inside"], stderr=True,
        stdin=False, stdout=True, tty=False)
    assert text.strip() == "from inside"
    core.delete_namespaced_pod("py", namespace)
    eventually(lambda: not core.list_namespaced_pod(namespace).items, what="the pod to go")


def test_errors_are_upstreams(core, namespace):
    with pytest.raises(client.ApiException) as missing:
        core.read_namespaced_pod("nobody", namespace)
    assert missing.value.status == 404
    assert '"reason":"NotFound"' in missing.value.body
    with pytest.raises(client.ApiException) as twice:
        core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace)))
    assert twice.value.status == 409
    with pytest.raises(client.ApiException) as invalid:
        core.create_namespaced_config_map(
            namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="Not_Valid")))
    assert invalid.value.status == 422


def test_optimistic_concurrency(core, namespace):
    core.create_namespaced_config_map(
        namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="shared"), data={"n": "0"}))

    def add(times):
        for _ in range(times):
            while True:
                found = core.read_namespaced_config_map("shared", namespace)
                found.data["n"] = str(int(found.data["n"]) + 1)
                try:
                    core.replace_namespaced_config_map("shared", namespace, found)
                    break
                except client.ApiException as error:
                    assert error.status == 409

    threads = [threading.Thread(target=add, args=(10,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert core.read_namespaced_config_map("shared", namespace).data["n"] == "40"
