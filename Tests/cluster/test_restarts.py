"""kill -9 of Swiftlet at any moment: nothing acknowledged is lost, pods run on, no pod is made twice."""

import os
import random
import signal
import subprocess
import tempfile
import shutil
import time

import pytest

from conftest import Cluster, eventually

KILLS = int(os.environ.get("SWIFTLET_KILLS", "8"))


@pytest.fixture
def own_cluster(cluster):
    """The session's cluster is stopped for it: two cannot share the machine's pod network."""
    cluster.down()
    directory = tempfile.mkdtemp(prefix="swiftlet-kill-")
    own = Cluster(directory, node="phoenix")
    try:
        own.up()
        own.import_images(f"{directory}/images")
        yield own
    finally:
        own.reset()
        shutil.rmtree(directory, ignore_errors=True)
        cluster.up()


def container_ids(cluster):
    pods = cluster.get("pods", "-l", "app=steady")["items"]
    return sorted(
        status["containerID"] for pod in pods for status in pod["status"].get("containerStatuses", []))


def test_kill_again_and_again_under_load(own_cluster):
    cluster = own_cluster
    seed = int(os.environ.get("SWIFTLET_SEED", str(random.randrange(1 << 30))))
    chance = random.Random(seed)
    cluster.kubectl(
        "create", "deployment", "steady", "--image=localhost/bb:2", "--replicas=3", "--", "/bin/sleep", "100000")
    cluster.kubectl("rollout", "status", "deployment/steady", "--timeout=60s")
    before = container_ids(cluster)
    acknowledged = []
    for round_number in range(KILLS):
        process = cluster.pid()
        deadline = time.monotonic() + chance.uniform(0.2, 1.5)
        number = 0
        while time.monotonic() < deadline:
            name = f"c-{round_number}-{number}"
            done = cluster.kubectl("create", "configmap", name, f"--from-literal=n={number}", check=False)
            if done.returncode == 0:
                acknowledged.append(name)
            number += 1
        os.kill(process, signal.SIGKILL)
        cluster.up()
    found = {item["metadata"]["name"] for item in cluster.get("configmaps")["items"]}
    missing = [name for name in acknowledged if name not in found]
    assert not missing, f"seed {seed}: acknowledged but lost: {missing}"
    assert acknowledged
    eventually(lambda: len(cluster.get("pods", "-l", "app=steady")["items"]) == 3, what=f"three pods (seed {seed})")
    assert container_ids(cluster) == before, f"seed {seed}: containers did not run on"
    restarts = cluster.kubectl(
        "get", "pods", "-l", "app=steady", "-o", "jsonpath={.items[*].status.containerStatuses[0].restartCount}")
    assert restarts.split() == ["0", "0", "0"], f"seed {seed}"


def test_a_dead_containerd_comes_back(cluster, namespace):
    cluster.kubectl(
        "create", "deployment", "steady", "-n", namespace, "--image=localhost/bb:2", "--", "/bin/sleep", "100000")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/steady", "--timeout=60s")
    configuration = f"{cluster.directory}/containerd/config.toml"
    found = subprocess.run(["pgrep", "-f", f"containerd .*{configuration}"], capture_output=True, text=True)
    process = int(found.stdout.split()[0])
    os.kill(process, signal.SIGKILL)
    cluster.kubectl("scale", "-n", namespace, "deployment/steady", "--replicas=2")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/steady", "--timeout=60s")


def test_a_dead_container_is_started_again(cluster, namespace):
    cluster.kubectl(
        "create", "deployment", "mortal", "-n", namespace, "--image=localhost/bb:2", "--", "/bin/sleep", "98765")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/mortal", "--timeout=60s")
    process = int(subprocess.run(["pgrep", "-f", "/bin/sleep 98765"], capture_output=True, text=True).stdout.split()[0])
    os.kill(process, signal.SIGKILL)
    restarted = lambda: cluster.get("pods", "-n", namespace)["items"][0]["status"]["containerStatuses"][0]
    eventually(lambda: restarted()["restartCount"] == 1 and restarted()["ready"], what="the container to be restarted")


def test_a_dead_shim_is_noticed(cluster, namespace):
    """The shim holds all of a pod: the pod gets a new sandbox and its containers are started again."""
    cluster.kubectl(
        "create", "deployment", "bare", "-n", namespace, "--image=localhost/bb:2", "--", "/bin/sleep", "87654")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/bare", "--timeout=60s")
    status = lambda: cluster.get("pods", "-n", namespace)["items"][0]["status"]
    before = status()["containerStatuses"][0]["containerID"].split("//")[1]
    process = int(subprocess.run(["pgrep", "-f", "/bin/sleep 87654"], capture_output=True, text=True).stdout.split()[0])
    shim = shim_of(process)
    os.kill(shim, signal.SIGKILL)
    restarted = lambda: (
        status()["containerStatuses"][0]["ready"]
        and status()["containerStatuses"][0]["containerID"].split("//")[1] != before)
    eventually(restarted, timeout=60, what="the container to be started again")
    assert status()["containerStatuses"][0]["restartCount"] >= 1
    assert "terminated" in status()["containerStatuses"][0]["lastState"]
    # What the dead shim had started does not run beside it.
    found = subprocess.run(["pgrep", "-f", "/bin/sleep 87654"], capture_output=True, text=True).stdout.split()
    assert str(process) not in found and len(found) == 1, found
    name = cluster.get("pods", "-n", namespace)["items"][0]["metadata"]["name"]
    assert cluster.kubectl("exec", name, "-n", namespace, "--", "echo", "again") == "again\n"


def shim_of(process):
    """The containerd-shim above a container's process."""
    while process > 1:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            if b"containerd-shim" in file.read():
                return process
        with open(f"/proc/{process}/stat") as file:
            process = int(file.read().rpartition(")")[2].split()[1])
    raise AssertionError("the container has no shim")
