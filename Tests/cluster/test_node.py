"""What the node does with pods over their whole life, and what it says of itself."""

import json
import os
import pathlib
import signal
import subprocess
import time

from conftest import eventually
from test_pods import container, pod, run, start

GIVEN = {"limits": {"cpu": "200m", "memory": "64Mi"}, "requests": {"cpu": "100m", "memory": "32Mi"}}


def status(cluster, namespace, name):
    return pod(cluster, namespace, name)["status"]


def test_a_pod_that_a_finalizer_holds_keeps_its_status(cluster, namespace):
    start(cluster, namespace, "held", container(command="trap 'exit 3' TERM; while true; do sleep 0.1; done"))
    before = status(cluster, namespace, "held")
    cluster.kubectl(
        "patch", "pod", "held", "-n", namespace, "-p", '{"metadata":{"finalizers":["example.com/hold"]}}')
    cluster.kubectl("delete", "pod", "held", "-n", namespace, "--wait=false")
    gone = lambda: "terminated" in status(cluster, namespace, "held")["containerStatuses"][0]["state"]
    eventually(gone, what="the end of the container")
    directory = pathlib.Path(cluster.directory, "kubelet/pods", pod(cluster, namespace, "held")["metadata"]["uid"])
    eventually(lambda: not directory.exists(), what="the pod to leave the node")
    # Changes of the object, and even another life of the kubelet, do not bring the pod back.
    for life in range(2):
        cluster.kubectl("label", "pod", "held", "-n", namespace, f"life={life}", "--overwrite")
        time.sleep(1)
        after = status(cluster, namespace, "held")
        ended = after["containerStatuses"][0]
        assert ended["state"]["terminated"]["exitCode"] == 3, ended
        assert ended["containerID"] == before["containerStatuses"][0]["containerID"]
        assert after["podIP"] == before["podIP"]
        assert after["phase"] == "Failed"
        os.kill(cluster.pid(), signal.SIGKILL)
        cluster.up()
    cluster.kubectl("patch", "pod", "held", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    eventually(
        lambda: cluster.kubectl("get", "pod", "held", "-n", namespace, check=False).returncode != 0,
        what="the pod to be gone")


def limit(cluster, namespace, name, resource):
    """The limit in the pod's own cgroup."""
    uid = pod(cluster, namespace, name)["metadata"]["uid"]
    names = {"memory": ["memory.limit_in_bytes", "memory.max"], "cpu": ["cpu.cfs_quota_us", "cpu.max"]}[resource]
    for place in pathlib.Path("/sys/fs/cgroup").glob(f"**/kubepods/**/pod{uid}"):
        for file in names:
            if (place / file).exists():
                return int((place / file).read_text().split()[0])
    raise AssertionError(f"pod {name} has no cgroup with {names}")


def resize(cluster, namespace, name, check=True, **resources):
    body = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    return cluster.kubectl(
        "patch", "pod", name, "-n", namespace, "--subresource=resize", "-p", json.dumps(body), check=check)


def conditions(cluster, namespace, name):
    return {c["type"]: c for c in status(cluster, namespace, name)["conditions"]}


def test_a_pod_is_resized_while_it_runs(cluster, namespace):
    start(cluster, namespace, "elastic", container(resources=GIVEN))
    main = lambda: status(cluster, namespace, "elastic")["containerStatuses"][0]
    before = main()
    assert before["resources"] == GIVEN and before["allocatedResources"] == GIVEN["requests"]
    for cpu, memory, size in (("400m", "128Mi", 128 << 20), ("100m", "48Mi", 48 << 20), ("300m", "40Mi", 40 << 20)):
        wanted = {"limits": {"cpu": cpu, "memory": memory}, "requests": {"cpu": "50m", "memory": "32Mi"}}
        resize(cluster, namespace, "elastic", **wanted)
        eventually(lambda: main().get("resources") == wanted, what=f"{memory} to be applied")
        eventually(
            lambda: "PodResizeInProgress" not in conditions(cluster, namespace, "elastic"), what="the end of the resize")
        assert limit(cluster, namespace, "elastic", "memory") == size
        assert limit(cluster, namespace, "elastic", "cpu") == int(cpu[:-1]) * 100
        assert main()["allocatedResources"] == wanted["requests"]
    assert main()["containerID"] == before["containerID"] and main()["restartCount"] == 0
    # A container that starts again in the pod's cgroup fits it.
    run(cluster, namespace, "elastic", "kill", "1")
    eventually(lambda: main()["restartCount"] == 1 and main()["ready"], what="the container to run again")
    assert main()["resources"]["limits"] == {"cpu": "300m", "memory": "40Mi"}
    events = cluster.get("events", "-n", namespace, "--field-selector=reason=ResizeCompleted")["items"]
    assert any("40Mi" in event["message"] for event in events)


def test_a_resize_that_does_not_fit_waits(cluster, namespace):
    start(cluster, namespace, "greedy", container(resources=GIVEN))
    resize(cluster, namespace, "greedy", limits={"cpu": "9999"}, requests={"cpu": "9999"})
    found = eventually(lambda: conditions(cluster, namespace, "greedy").get("PodResizePending"), what="the refusal")
    assert found["reason"] == "Infeasible"
    assert found["message"].startswith("Node didn't have enough capacity: cpu, requested: 9999000, capacity: ")
    assert status(cluster, namespace, "greedy")["containerStatuses"][0]["resources"] == GIVEN
    resize(cluster, namespace, "greedy", **GIVEN)
    eventually(lambda: "PodResizePending" not in conditions(cluster, namespace, "greedy"), what="peace")


def test_a_resize_that_needs_a_restart(cluster, namespace):
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    start(cluster, namespace, "stiff", container(resources=GIVEN, resizePolicy=policy))
    resize(cluster, namespace, "stiff", limits={"memory": "96Mi"})
    main = lambda: status(cluster, namespace, "stiff")["containerStatuses"][0]
    eventually(
        lambda: main()["restartCount"] == 1 and main()["ready"] and main()["resources"]["limits"]["memory"] == "96Mi",
        what="the container to be restarted with its new limit")
    assert limit(cluster, namespace, "stiff", "memory") == 96 << 20


def test_no_burst_of_restarts_when_everything_is_killed(cluster, namespace):
    for name in ("one", "two"):
        start(cluster, namespace, name, container(command="exit 1"), wait=None)
    restarts = lambda: {
        item["metadata"]["name"]: item["status"]["containerStatuses"][0]["restartCount"]
        for item in cluster.get("pods", "-n", namespace)["items"]}
    eventually(lambda: all(count >= 2 for count in restarts().values()), timeout=90, what="back-off of 20 s")
    before = restarts()
    configuration = f"{cluster.directory}/containerd/config.toml"
    daemon = subprocess.run(["pgrep", "-f", f"containerd .*{configuration}"], capture_output=True, text=True)
    for process in (cluster.pid(), int(daemon.stdout.split()[0])):
        os.kill(process, signal.SIGKILL)
    cluster.up()
    time.sleep(6)
    # Each was to wait 20 s and more: one restart may just have been due, no more.
    after = restarts()
    assert all(after[name] <= before[name] + 1 for name in before), (before, after)


def test_the_node_tells_of_itself(cluster):
    node = cluster.get("node", cluster.node)
    info = node["status"]["nodeInfo"]
    for name in ("machineID", "systemUUID"):
        expected = pathlib.Path("/etc/machine-id").exists() and pathlib.Path("/etc/machine-id").read_text().strip()
        assert not expected or info[name], info
    assert info["bootID"] == pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert info["kernelVersion"] == os.uname().release
    assert f'"{info["osImage"]}"' in pathlib.Path("/etc/os-release").read_text()
    assert node["spec"]["podCIDR"] == "10.244.0.0/24" and node["spec"]["podCIDRs"] == ["10.244.0.0/24"]
    wanted = {
        "Starting", "NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeReady",
        "NodeAllocatableEnforced", "RegisteredNode"}

    def reasons():
        return {
            event["reason"] for event in cluster.get("events", "-n", "default")["items"]
            if event["involvedObject"]["kind"] == "Node"}

    eventually(lambda: wanted <= reasons(), what="the node's events")
    assert "NodeHasSufficientMemory" in cluster.kubectl("describe", "node", cluster.node)


def firewall():
    return subprocess.run(["nft", "list", "ruleset"], check=True, text=True, capture_output=True).stdout


def test_nothing_of_host_ports_stays_behind(cluster, namespace):
    before = set(line for line in firewall().split("\n") if line.startswith("table"))
    start(cluster, namespace, "open", container(ports=[{"containerPort": 80, "hostPort": 18097}]))
    assert "CNI-HOSTPORT-DNAT" in firewall()
    cluster.kubectl("delete", "pod", "open", "-n", namespace)
    cluster.down()
    try:
        after = firewall()
        assert "CNI-" not in after and "swiftlet" not in after, after
        assert set(line for line in after.split("\n") if line.startswith("table")) <= before
    finally:
        cluster.up()
