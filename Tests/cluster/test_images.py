"""Pulling from a real registry, with and without credentials, and from one that is down."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

import bcrypt
import pytest

from conftest import eventually, free_port

USER, PASSWORD = "puller", "s3cret"


class Registry:
    """docker-registry on loopback, filled with localhost/bb:2."""

    def __init__(self, cluster, with_password, port=None):
        self.port = port or free_port()
        self.folder = tempfile.mkdtemp(prefix="swiftlet-registry-")
        settings = {
            "version": 0.1, "log": {"level": "error"}, "http": {"addr": f"127.0.0.1:{self.port}"},
            "storage": {"filesystem": {"rootdirectory": f"{self.folder}/data"}}}
        if with_password:
            hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
            pathlib.Path(f"{self.folder}/htpasswd").write_text(f"{USER}:{hashed}\n")
            settings["auth"] = {"htpasswd": {"realm": "test", "path": f"{self.folder}/htpasswd"}}
        config = pathlib.Path(f"{self.folder}/config.yml")
        config.write_text(json.dumps(settings))
        self.process = subprocess.Popen(
            ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self.answers, timeout=20, what="the registry")
        self.push(cluster, with_password)

    def answers(self):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/", timeout=2)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        return True

    @property
    def image(self):
        return f"127.0.0.1:{self.port}/team/bb:2"

    def push(self, cluster, with_password):
        ctr = ["ctr", "-a", str(cluster.run_directory() / "containerd.sock"), "-n", "k8s.io", "images"]
        subprocess.run([*ctr, "tag", "--force", "localhost/bb:2", self.image], check=True, capture_output=True)
        user = ["--user", f"{USER}:{PASSWORD}"] if with_password else []
        subprocess.run(
            [*ctr, "push", "--plain-http", *user, self.image], check=True, capture_output=True, timeout=60)
        # The node must not have it already.
        subprocess.run([*ctr, "rm", self.image], check=True, capture_output=True)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def run(cluster, namespace, name, image, **spec):
    cluster.apply(
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {"name": "main", "image": image, "imagePullPolicy": "Always", "command": ["/bin/sleep", "100000"]}],
                **spec,
            },
        }, namespace=namespace)


def waiting(cluster, namespace, name):
    status = cluster.get("pod", name, "-n", namespace)["status"]["containerStatuses"][0]
    return status["state"]["waiting"]


def test_an_open_registry(cluster, namespace):
    registry = Registry(cluster, with_password=False)
    try:
        run(cluster, namespace, "open", registry.image)
        cluster.kubectl("wait", "-n", namespace, "pod/open", "--for=condition=Ready", "--timeout=60s")
        events = cluster.kubectl("events", "-n", namespace, "--for", "pod/open")
        assert f'Pulling image "{registry.image}"' in events and "Successfully pulled image" in events
    finally:
        registry.stop()


def test_a_registry_with_a_password(cluster, namespace):
    registry = Registry(cluster, with_password=True)
    try:
        run(cluster, namespace, "locked", registry.image)
        eventually(
            lambda: waiting(cluster, namespace, "locked")["reason"] in ("ErrImagePull", "ImagePullBackOff"),
            what="the refusal")
        cluster.kubectl(
            "create", "secret", "docker-registry", "key", "-n", namespace,
            f"--docker-server=127.0.0.1:{registry.port}", f"--docker-username={USER}",
            f"--docker-password={PASSWORD}")
        run(cluster, namespace, "unlocked", registry.image, imagePullSecrets=[{"name": "key"}])
        cluster.kubectl("wait", "-n", namespace, "pod/unlocked", "--for=condition=Ready", "--timeout=60s")
    finally:
        registry.stop()


def test_a_registry_that_is_down_and_comes_back(cluster, namespace):
    port = free_port()
    run(cluster, namespace, "patient", f"127.0.0.1:{port}/team/bb:2")
    eventually(
        lambda: "connection refused" in waiting(cluster, namespace, "patient")["message"], what="the reason")
    described = cluster.kubectl("describe", "pod", "patient", "-n", namespace)
    assert "Failed to pull image" in described
    registry = Registry(cluster, with_password=False, port=port)
    try:
        # Tried again by itself, after the back-off.
        cluster.kubectl("wait", "-n", namespace, "pod/patient", "--for=condition=Ready", "--timeout=90s", timeout=100)
    finally:
        registry.stop()


def test_images_that_cannot_be_had(cluster, namespace):
    registry = Registry(cluster, with_password=False)
    try:
        run(cluster, namespace, "unknown", f"127.0.0.1:{registry.port}/team/none:1")
        eventually(lambda: "not found" in waiting(cluster, namespace, "unknown")["message"], what="the reason")
        run(cluster, namespace, "nonsense", "UPPER/case:1")
        eventually(
            lambda: waiting(cluster, namespace, "nonsense")["reason"] == "InvalidImageName", what="the refusal")
        cluster.apply(
            {
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "never"},
                "spec": {"containers": [
                    {"name": "main", "image": "localhost/never:1", "imagePullPolicy": "Never"}]},
            }, namespace=namespace)
        eventually(
            lambda: waiting(cluster, namespace, "never")["reason"] == "ErrImageNeverPull", what="the refusal")
        assert "ErrImageNeverPull" in cluster.kubectl("get", "pod", "never", "-n", namespace)
    finally:
        registry.stop()
