"""A cluster for the tests of this folder: one Swiftlet, started once, removed at the end."""

import json
import os
import pathlib
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

    def __init__(self, directory, node="tester"):
        self.directory = str(directory)
        self.node = node
        self.port = free_port()
        self.kubelet_port = free_port()
        self.kubeconfig = f"{directory}/admin.kubeconfig"

    def swiftlet(self, *words, timeout=60, check=True, **more):
        return subprocess.run(
            [BINARY, *words], timeout=timeout, check=check, text=True, capture_output=True, **more)

    def up(self, timeout=120):
        return self.swiftlet(
            "up", "--detach", "--data-dir", self.directory, "--port", str(self.port), "--kubelet-port",
            str(self.kubelet_port), "--node-name", self.node, "--timeout", str(timeout), timeout=timeout + 30)

    def down(self):
        return self.swiftlet("down", "--data-dir", self.directory, timeout=90)

    def reset(self):
        return self.swiftlet("reset", "--data-dir", self.directory, timeout=120, check=False)

    def pid(self):
        run = self.run_directory()
        return int((run / "swiftlet.pid").read_text())

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
        except (AssertionError, KeyError, IndexError, subprocess.SubprocessError) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come true within {timeout} s; last: {last}")


@pytest.fixture(scope="session")
def cluster():
    directory = tempfile.mkdtemp(prefix="swiftlet-test-")
    cluster = Cluster(directory)
    try:
        try:
            cluster.up()
        except subprocess.CalledProcessError as error:
            pytest.exit(f"the cluster did not start:\n{error.stdout}{error.stderr}", returncode=1)
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
    name = "t-" + request.node.name.replace("_", "-").replace("test-", "")[:50].lower().strip("-[]")
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)
