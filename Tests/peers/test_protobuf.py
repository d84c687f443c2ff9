"""Our protobuf beside Google's implementation, with messages made from ../shared/facts."""

import base64

import pytest
from conftest import SHARED, name
from facts import Facts

FOLDER = SHARED / "facts"
pytestmark = pytest.mark.skipif(
    not (FOLDER / "api-protobuf.yaml").exists(),
    reason="../shared/facts is missing: there are no message definitions to compare with")


@pytest.fixture(scope="module")
def facts():
    return Facts(FOLDER)


def unwrapped(facts, wire):
    """The object's bytes, out of their envelope."""
    assert wire.startswith(b"k8s\0")
    unknown = facts.message("k8s.io.apimachinery.pkg.runtime", "Unknown")
    unknown.ParseFromString(wire[4:])
    return unknown


def test_every_kind_has_the_bytes_of_an_encoder_made_from_the_facts(samples, facts):
    problems = []
    for line in samples:
        unknown = unwrapped(facts, line["protobuf"])
        assert (unknown.typeMeta.apiVersion, unknown.typeMeta.kind) == (line["apiVersion"], line["kind"])
        theirs = facts.encode(line["apiVersion"], line["kind"], line["json"])
        if theirs.SerializeToString(deterministic=True) != unknown.raw:
            ours = type(theirs)()
            ours.ParseFromString(unknown.raw)
            a, b = str(ours).splitlines(), str(theirs).splitlines()
            first = next((pair for pair in zip(a, b) if pair[0] != pair[1]), ("only the order differs", ""))
            problems.append(f"{name(line)}: ours {first[0]!r}, theirs {first[1]!r}")
    assert not problems, "\n".join(problems[:40])


def test_what_the_peer_parses_and_writes_is_the_same_object(samples, facts, give_back):
    returned = []
    for line in samples:
        unknown = unwrapped(facts, line["protobuf"])
        package, kind = facts.kind(line["apiVersion"], line["kind"])
        message = facts.message(package, kind)
        message.ParseFromString(unknown.raw)
        again = message.SerializeToString(deterministic=True)
        assert again == unknown.raw, name(line)
        unknown.raw = again
        wire = b"k8s\0" + unknown.SerializeToString(deterministic=True)
        returned.append({**line, "protobuf": base64.b64encode(wire).decode()})
    for line in returned:
        del line["json"]
    give_back(returned)
