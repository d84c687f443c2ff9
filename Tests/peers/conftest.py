"""Random objects, made by us, for implementations that are not ours. Run by dev/test-peers."""

import base64
import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / ".build/debug/peer-samples"
SHARED = ROOT.parent / "shared"
ROUNDS = 4


@pytest.fixture(scope="session")
def samples():
    """Lines of `peer-samples write`, as dictionaries; `protobuf` is bytes."""
    done = subprocess.run(
        [SAMPLES, "write", str(ROUNDS)], check=True, stdout=subprocess.PIPE, text=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        line["protobuf"] = base64.b64decode(line["protobuf"])
    assert len({(line["apiVersion"], line["kind"]) for line in lines}) * ROUNDS == len(lines) > 200
    return lines


@pytest.fixture
def give_back():
    """Lets Swiftlet read what a peer wrote: `give_back(lines)` fails unless all are the objects that they were."""

    def check(lines):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        done = subprocess.run([SAMPLES, "check"], input=text, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[:4000]
        assert done.stdout == f"checked {len(lines)} objects\n"

    return check


def name(line):
    """What a failure calls an object; the seed makes it again."""
    return f"{line['apiVersion']} {line['kind']}, seed {line['seed']}"
