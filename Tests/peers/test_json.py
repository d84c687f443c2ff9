"""Our JSON, read into the models of the Python package `kubernetes` and written by it again."""

import datetime
import json
import re

import kubernetes.client
import pytest
from conftest import name



@pytest.fixture
def client(monkeypatch):
    """The client, told to carry objects and not to judge them: random ones are not valid. Each model asks a
    configuration of its own, so they all are told."""
    make = kubernetes.client.Configuration.__init__

    def made(self, *arguments, **more):
        make(self, *arguments, **more)
        self.client_side_validation = False

    monkeypatch.setattr(kubernetes.client.Configuration, "__init__", made)
    return kubernetes.client.ApiClient()


def model(api_version, kind):
    """The name of a kind's model: `V1Pod`; with the group where two groups have one of that name."""
    group, _, version = api_version.rpartition("/")
    group = (group or "core").split(".")[0].capitalize()
    for candidate in (f"{version.capitalize()}{kind}", f"{group}{version.capitalize()}{kind}"):
        if hasattr(kubernetes.client, candidate):
            return candidate
    return None


TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


def plain(value):
    """Without members that are null, and with times in one spelling: what both ways of writing have in common."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, str) and TIME.match(value):
        return datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).isoformat()
    return value


class Answer:
    """What the package takes for an answer of the server."""

    def __init__(self, value):
        self.data = json.dumps(value)


def difference(left, right, path=""):
    """The first place where two values differ; None if they do not."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            if key not in left or key not in right:
                return f"{path}.{key} is only {'ours' if key in left else 'theirs'}"
            found = difference(left[key], right[key], f"{path}.{key}")
            if found:
                return found
        return None
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (a, b) in enumerate(zip(left, right)):
            found = difference(a, b, f"{path}[{index}]")
            if found:
                return found
        return None
    return None if left == right else f"{path}: ours {left!r}, theirs {right!r}"


def test_every_kind_survives_the_client(client, samples, give_back):
    returned = []
    problems = []
    for line in samples:
        kind = model(line["apiVersion"], line["kind"])
        assert kind, f"no model for {name(line)}"
        theirs = client.sanitize_for_serialization(client.deserialize(Answer(line["json"]), kind))
        found = difference(plain(line["json"]), plain(theirs))
        if found:
            problems.append(f"{name(line)}: {found}")
        returned.append({key: value for key, value in {**line, "json": theirs}.items() if key != "protobuf"})
    assert not problems, "\n".join(problems[:40])
    give_back(returned)
