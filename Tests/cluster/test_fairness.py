"""Priority and fairness does what the cluster's objects say."""

import concurrent.futures
import json
import subprocess

import pytest

from conftest import eventually


def level(name, shares):
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration",
        "metadata": {"name": name},
        "spec": {"type": "Limited", "limited": {
            "nominalConcurrencyShares": shares, "lendablePercent": 0, "borrowingLimitPercent": 0,
            "limitResponse": {"type": "Reject"}}}}


def schema(name, to, user):
    subject = {"kind": "User", "user": {"name": user}}
    rules = [{"subjects": [subject], "resourceRules": [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}]}]
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": {"name": name},
        "spec": {"matchingPrecedence": 10, "priorityLevelConfiguration": {"name": to}, "rules": rules}}


def ask(cluster, token, path):
    """Code and headers of one request."""
    done = subprocess.run(
        ["curl", "-sk", "-m", "20", "-D", "-", "-o", "/dev/null", "-H", f"Authorization: Bearer {token}",
         f"https://127.0.0.1:{cluster.port}{path}"], capture_output=True, text=True, timeout=30, check=True)
    status, *lines = done.stdout.split("\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    return int(status.split()[1]), headers


@pytest.fixture
def flow(cluster, namespace):
    """A level with few seats for one service account, and the account's token."""
    cluster.kubectl("create", "serviceaccount", "slow", "-n", namespace)
    cluster.kubectl("create", "rolebinding", "slow", "-n", namespace, "--clusterrole=view",
                    f"--serviceaccount={namespace}:slow")
    cluster.apply(level("t-slow", 1), schema("t-slow", "t-slow", f"system:serviceaccount:{namespace}:slow"))
    yield cluster.kubectl("create", "token", "slow", "-n", namespace).strip()
    cluster.kubectl("delete", "flowschema,prioritylevelconfiguration", "t-slow", "--ignore-not-found")


def test_a_limited_level_refuses_while_others_go_on(cluster, namespace, flow):
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    uids = {
        "x-kubernetes-pf-flowschema-uid": cluster.get("flowschema", "t-slow")["metadata"]["uid"],
        "x-kubernetes-pf-prioritylevel-uid": cluster.get(
            "prioritylevelconfiguration", "t-slow")["metadata"]["uid"]}
    code, headers = ask(cluster, flow, path)
    assert code in (200, 403) and "x-kubernetes-pf-flowschema-uid" in headers

    def served():
        code, headers = ask(cluster, flow, path)
        return code == 200 and uids.items() <= headers.items()

    eventually(served, what="the schema's effect")
    condition = cluster.get("flowschema", "t-slow")["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Dangling", "False", "Found")

    # A read from the future waits some seconds, with its seat.
    future = path + "?resourceVersion=999999999"
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        slow = [pool.submit(ask, cluster, flow, future) for _ in range(20)]
        others = [pool.submit(cluster.kubectl, "create", "configmap", f"c{n}", "-n", namespace) for n in range(3)]
        for other in others:
            assert "created" in other.result()
        answers = [one.result() for one in slow]
    refused = [headers for code, headers in answers if code == 429]
    waited = [headers for code, headers in answers if code == 504]
    assert refused and waited and len(refused) + len(waited) == 20, answers
    assert len(waited) < 10, "the level has three of 600 seats"
    for headers in refused:
        assert headers["retry-after"] == "1" and uids.items() <= headers.items()

    metrics = cluster.kubectl("get", "--raw", "/metrics").splitlines()
    refusal = next(
        line for line in metrics if line.startswith("apiserver_flowcontrol_rejected_requests_total")
        and 'flow_schema="t-slow"' in line and 'reason="concurrency-limit"' in line)
    assert int(refusal.split()[-1]) >= len(refused)
    assert 'apiserver_flowcontrol_nominal_limit_seats{priority_level="t-slow"} 3' in metrics
    assert 'apiserver_flowcontrol_upper_limit_seats{priority_level="t-slow"} 3' in metrics
    # The answer is out before the seat is back.
    eventually(
        lambda: 'apiserver_flowcontrol_current_executing_seats{flow_schema="t-slow",priority_level="t-slow"} 0'
        in cluster.kubectl("get", "--raw", "/metrics").splitlines(), what="all seats back")


def test_a_schema_without_its_level_dangles(cluster, namespace):
    cluster.apply(schema("t-lost", "t-nowhere", "nobody"))
    try:
        def dangling():
            return next(
                c for c in cluster.get("flowschema", "t-lost")["status"]["conditions"] if c["type"] == "Dangling")

        eventually(lambda: dangling()["status"] == "True", what="the condition")
        assert dangling()["message"] == (
            'This FlowSchema references the PriorityLevelConfiguration object named "t-nowhere" but there is no such '
            "object")
        assert cluster.kubectl("get", "flowschema", "t-lost", "--no-headers").split()[-1] == "True"
        cluster.apply(level("t-nowhere", 5))
        eventually(lambda: dangling()["status"] == "False", what="the level's effect")
    finally:
        cluster.kubectl("delete", "flowschema", "t-lost", "--ignore-not-found")
        cluster.kubectl("delete", "prioritylevelconfiguration", "t-nowhere", "--ignore-not-found")


def test_what_every_cluster_has_comes_back(cluster):
    before = json.loads(cluster.kubectl("get", "apiservice", "v1.batch", "-o", "json"))["metadata"]["uid"]
    cluster.kubectl("delete", "apiservice", "v1.batch")
    again = eventually(lambda: cluster.get("apiservice", "v1.batch"), timeout=10, what="the API service")
    assert again["metadata"]["uid"] != before and again["spec"]["groupPriorityMinimum"] == 17400
    cluster.kubectl("delete", "service", "kubernetes", "-n", "default")
    eventually(lambda: cluster.get("service", "kubernetes", "-n", "default"), what="the service")
    cluster.kubectl("delete", "endpoints", "kubernetes", "-n", "default")
    eventually(lambda: cluster.get("endpoints", "kubernetes", "-n", "default")["subsets"], what="its endpoints")
    before = cluster.get("namespace", "kube-node-lease")["metadata"]["uid"]
    cluster.kubectl("delete", "namespace", "kube-node-lease", "--wait=false")
    eventually(
        lambda: cluster.get("namespace", "kube-node-lease")["metadata"]["uid"] != before, what="the namespace")
    cluster.kubectl("delete", "prioritylevelconfiguration", "system")
    eventually(lambda: cluster.get("prioritylevelconfiguration", "system"), what="the level")
