"""A cluster that is stopped says nothing of errors, also while its controllers have work."""

import pathlib
import shutil
import tempfile

import pytest

from conftest import Cluster, eventually


@pytest.fixture
def quiet():
    directory = tempfile.mkdtemp(prefix="swiftlet-quiet-")
    own = Cluster(directory, node="quiet", with_node=False)
    try:
        yield own
    finally:
        own.reset()
        shutil.rmtree(directory, ignore_errors=True)


def test_a_stop_leaves_no_errors_in_the_log(quiet):
    for turn in range(3):
        quiet.up()
        eventually(lambda: quiet.get("serviceaccount", "default"), what="the controllers at work")
        quiet.kubectl("create", "deployment", f"busy{turn}", "--image=none", "--replicas=40")
        quiet.kubectl("create", "namespace", f"going{turn}")
        quiet.kubectl("delete", "namespace", f"going{turn}", "--wait=false")
        watch = quiet.start("get", "pods", "-w")
        quiet.down()
        watch.wait(timeout=30)
    log = (pathlib.Path(quiet.directory) / "swiftlet.log").read_text().splitlines()
    assert sum("stopped" in line for line in log) == 3, log
    complaints = [line for line in log if line.split()[1:2] in (["error"], ["warning"])]
    assert complaints == [], "\n".join(complaints)


def test_a_cluster_keeps_its_range_of_services(quiet):
    quiet.up()
    quiet.down()
    done = quiet.swiftlet(
        "up", "--data-dir", quiet.directory, "--port", str(quiet.port), "--no-node", "--detach", "--timeout", "20",
        "--service-cidr", "10.111.0.0/16", check=False)
    assert done.returncode != 0
    assert "--service-cidr 10.111.0.0/16: this cluster has services of 10.96.0.0/16" in done.stderr, done
    quiet.up()
    assert quiet.get("service", "kubernetes", "-n", "default")["spec"]["clusterIP"] == "10.96.0.1"
