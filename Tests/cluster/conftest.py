"""A cluster for the tests of this folder: one Swiftlet, started once, removed at the end."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SWIFTLET", str(ROOT / ".build/debug/swiftlet"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A cluster in a directory of its own, with the commands that tests use."""

    def __init__(self, directory, node="tester", with_node=True, options=()):
        self.directory = str(directory)
        self.node = node
        self.with_node = with_node
        self.options = list(options)
        self.port = free_port()
        self.kubelet_port = free_port()
        self.kubeconfig = f"{directory}/admin.kubeconfig"

    def swiftlet(self, *words, timeout=60, check=True, **more):
        return subprocess.run(
            [BINARY, *words], timeout=timeout, check=check, text=True, capture_output=True, **more)

    def up(self, timeout=120):
        return self.swiftlet(
            "up", "--detach", "--data-dir", self.directory, "--port", str(self.port), "--kubelet-port",
            str(self.kubelet_port), "--node-name", self.node, "--timeout", str(timeout),
            *self.options, *([] if self.with_node else ["--no-node"]), timeout=timeout + 30)

    def down(self):
        return self.swiftlet("down", "--data-dir", self.directory, timeout=90)

    def reset(self):
        return self.swiftlet("reset", "--data-dir", self.directory, timeout=120, check=False)

    def pid(self):
        """The process that runs the cluster."""
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[1:2] == [b"up"] and self.directory.encode() in words and b"--detach" not in words:
                return int(entry.parent.name)
        raise AssertionError("the cluster does not run")

    def run_directory(self):
        for entry in pathlib.Path("/run").glob("swiftlet*"):
            socket_path = entry / "containerd.sock"
            if socket_path.exists() and self.owns(entry):
                return entry
        raise AssertionError("the cluster has no run directory")

    def owns(self, run):
        config = pathlib.Path(self.directory) / "containerd/config.toml"
        return config.exists() and str(run) in config.read_text()

    def environment(self):
        return {**os.environ, "KUBECONFIG": self.kubeconfig, "KUBECTL_EXPLAIN_OPENAPIV3": "true"}

    def kubectl(self, *words, check=True, timeout=60, stdin=None):
        """Runs the real kubectl and returns what it printed."""
        done = subprocess.run(
            ["kubectl", *words], env=self.environment(), timeout=timeout, text=True, input=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done if not check else done.stdout

    def start(self, *words, **more):
        return subprocess.Popen(
            ["kubectl", *words], env=self.environment(), text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, **more)

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, *objects, namespace=None):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        scope = ["-n", namespace] if namespace else []
        return self.kubectl("apply", *scope, "-f", "-", stdin=text)

    def import_images(self, folder):
        subprocess.run([ROOT / "dev/images/make", str(folder)], check=True, timeout=60)
        for archive in sorted(pathlib.Path(folder).glob("*.tar")):
            self.swiftlet("image", "import", "--data-dir", self.directory, str(archive))


def eventually(probe, timeout=60, what="the condition"):
    """Asks `probe` again and again until it answers something true. Exceptions count as "not yet"."""
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline:
        try:
            last = probe()
            if last:
                return last
        except (AssertionError, KeyError, IndexError, OSError, subprocess.SubprocessError) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come true within {timeout} s; last: {last}")


@pytest.fixture(scope="session")
def cluster():
    directory = tempfile.mkdtemp(prefix="swiftlet-test-")
    # For trying those tests that need no containers where there is no runtime.
    cluster = Cluster(directory, with_node=os.environ.get("SWIFTLET_NO_NODE") != "1")
    try:
        try:
            cluster.up()
        except subprocess.CalledProcessError as error:
            pytest.exit(f"the cluster did not start:\n{error.stdout}{error.stderr}", returncode=1)
        if cluster.with_node:
            cluster.import_images(f"{directory}/images")
        yield cluster
    finally:
        log = pathlib.Path(directory) / "swiftlet.log"
        if log.exists():
            shutil.copy(log, ROOT / ".build/cluster-test.log")
        cluster.reset()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def namespace(cluster, request):
    """A namespace for one test, deleted at its end."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))
    name = f"t-{name[:50]}".strip("-")
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)
