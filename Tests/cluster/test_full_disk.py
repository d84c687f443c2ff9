"""A full disk below the data directory: told clearly, nothing acknowledged is lost, and it goes on afterwards."""

import json
import os
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import Cluster, eventually
from test_bad_input import ask

SPACE = "24m"


@pytest.fixture
def small_cluster():
    """A control plane on a file system of its own, which is small."""
    directory = tempfile.mkdtemp(prefix="swiftlet-full-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "tmpfs", directory], check=True)
    cluster = Cluster(f"{directory}/data", with_node=False)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.reset()
        subprocess.run(["umount", "-l", directory], check=True)
        shutil.rmtree(directory, ignore_errors=True)


def write(cluster, name, size):
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": {"a": "x" * size}}
    return ask(cluster, "POST", "/api/v1/namespaces/default/configmaps", json.dumps(body).encode())


def names(cluster):
    _, answer = ask(cluster, "GET", "/api/v1/namespaces/default/configmaps")
    return {item["metadata"]["name"] for item in answer["items"]}


def test_a_full_disk(small_cluster):
    cluster = small_cluster
    acknowledged, refusals = set(), []
    for number in range(400):
        code, answer = write(cluster, f"c-{number}", 200_000)
        if code == 201:
            acknowledged.add(f"c-{number}")
            continue
        refusals.append((code, answer))
        if len(refusals) == 10:
            break
    assert len(refusals) == 10 and len(acknowledged) > 10
    for code, answer in refusals:
        assert code == 500 and answer["kind"] == "Status" and answer["reason"] == "InternalError", answer
        assert "the store is full" in answer["message"], answer
    # Reading goes on, and what was refused is not there.
    assert acknowledged <= names(cluster)
    assert not {f"c-{n}" for n in range(400)} - acknowledged & names(cluster)
    directory = os.path.dirname(cluster.directory)
    subprocess.run(["mount", "-o", "remount,size=96m", directory], check=True)
    eventually(lambda: write(cluster, "after", 200_000)[0] in (201, 409), what="writes to succeed again")
    acknowledged.add("after")
    assert acknowledged <= names(cluster)
    # And all of it is on the disk.
    os.kill(cluster.pid(), signal.SIGKILL)
    cluster.up()
    found = names(cluster)
    assert acknowledged <= found, f"lost: {acknowledged - found}"
    assert write(cluster, "at-last", 10)[0] == 201


def test_starting_on_a_full_disk(small_cluster):
    cluster = small_cluster
    assert write(cluster, "before", 10)[0] == 201
    cluster.down()
    directory = os.path.dirname(cluster.directory)
    filler = f"{directory}/filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], capture_output=True)
    done = cluster.swiftlet(
        "up", "--data-dir", cluster.directory, "--port", str(cluster.port), "--no-node", "--detach", "--timeout", "20",
        check=False)
    if done.returncode == 0:
        # It may start: then it reads, and says so when it cannot write.
        assert "before" in names(cluster)
        code, answer = write(cluster, "more", 200_000)
        assert code == 500 and "the store is full" in answer["message"]
        cluster.down()
    else:
        assert "no space left on" in done.stderr.lower(), done
    os.unlink(filler)
    cluster.up()
    assert "before" in names(cluster)
    assert write(cluster, "after", 10)[0] == 201
