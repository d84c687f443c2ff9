"""What `reset` leaves behind: nothing that is ours, everything that is not. Control planes only, so no node is touched."""

import os
import pathlib

import pytest

from conftest import Cluster


@pytest.fixture
def control_plane(tmp_path):
    """A cluster without a node; `start` starts it in a directory that may be there already."""
    clusters = []

    def start(directory):
        plane = Cluster(directory)
        clusters.append(plane)
        plane.swiftlet(
            "up", "--no-node", "--detach", "--data-dir", plane.directory, "--port", str(plane.port), timeout=60)
        return plane

    yield start
    for plane in clusters:
        plane.reset()


def test_reset_takes_the_directory_that_up_made(control_plane, tmp_path):
    plane = control_plane(tmp_path / "data")
    assert oct(os.stat(plane.directory).st_mode & 0o777) == "0o700"
    shown = plane.swiftlet("reset", "--dry-run", "--data-dir", plane.directory).stdout
    assert f"would delete {plane.directory} and all below it" in shown
    assert pathlib.Path(plane.directory, "store").exists()
    plane.swiftlet("reset", "--data-dir", plane.directory)
    assert not pathlib.Path(plane.directory).exists()


def test_reset_leaves_what_was_there_before(control_plane, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("mine")
    plane = control_plane(tmp_path / "data")
    said = plane.swiftlet("reset", "--data-dir", plane.directory).stdout
    assert "kept" in said
    assert os.listdir(plane.directory) == ["mine.txt"]
