"""What kubectl shows of a cluster: outputs, explanations, events, waiting, what may be asked."""

import json
import re
import subprocess

import pytest

from conftest import eventually
from test_deployment import create
from test_kubectl import pod, running


def header(text):
    """The names of a table's columns; they may hold single spaces."""
    return re.split(r"\s{2,}", text.split("\n")[0].strip())


def rows(text):
    return [re.split(r"\s{2,}", line.strip()) for line in text.strip().split("\n")[1:]]


@pytest.mark.parametrize(
    "kind,plain,wide",
    [
        ("pods", ["READY", "STATUS", "RESTARTS", "AGE"], ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]),
        ("deployments", ["READY", "UP-TO-DATE", "AVAILABLE", "AGE"], ["CONTAINERS", "IMAGES", "SELECTOR"]),
        ("replicasets", ["DESIRED", "CURRENT", "READY", "AGE"], ["CONTAINERS", "IMAGES", "SELECTOR"]),
        ("configmaps", ["DATA", "AGE"], []),
        ("serviceaccounts", ["SECRETS", "AGE"], []),
    ],
)
def test_tables(cluster, namespace, kind, plain, wide):
    create(cluster, namespace, replicas=1)
    get = lambda *words: cluster.kubectl("get", kind, "-n", namespace, *words)
    eventually(lambda: "NAME" in get(), what="the table")
    assert header(get()) == ["NAME", *plain]
    assert header(get("-o", "wide")) == ["NAME", *plain, *wide]
    assert header(get("--show-labels")) == ["NAME", *plain, "LABELS"]
    assert header(get("-L", "app")) == ["NAME", *plain, "APP"]
    assert header(cluster.kubectl("get", kind, "-A")) == ["NAMESPACE", "NAME", *plain]
    assert not get("--no-headers").startswith("NAME")


def test_tables_of_the_cluster(cluster):
    assert header(cluster.kubectl("get", "nodes", "-o", "wide")) == [
        "NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION",
        "CONTAINER-RUNTIME"]
    node = rows(cluster.kubectl("get", "nodes"))[0]
    assert node[:3] == [cluster.node, "Ready", "control-plane"]
    assert header(cluster.kubectl("get", "services", "-o", "wide")) == [
        "NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", "SELECTOR"]
    assert rows(cluster.kubectl("get", "service", "kubernetes"))[0][:5] == [
        "kubernetes", "ClusterIP", "10.96.0.1", "<none>", "443/TCP"]
    assert header(cluster.kubectl("get", "namespaces")) == ["NAME", "STATUS", "AGE"]
    assert header(cluster.kubectl("get", "clusterroles")) == ["NAME", "CREATED AT"]
    components = cluster.kubectl("get", "componentstatuses")
    assert header(components) == ["NAME", "STATUS", "MESSAGE", "ERROR"]
    assert ["etcd-0", "Healthy", "ok"] in rows(components)
    assert rows(cluster.kubectl("get", "cs", "etcd-0"))[0] == ["etcd-0", "Healthy", "ok"]


def test_a_scale_has_columns_of_its_own(cluster, namespace):
    create(cluster, namespace, replicas=1)
    scale = cluster.kubectl("get", "deployment", "web", "-n", namespace, "--subresource=scale")
    assert header(scale) == ["NAME", "DESIRED", "AVAILABLE", "AGE"]
    assert rows(scale)[0][:2] == ["web", "1"]


def test_outputs_of_one_object(cluster, namespace):
    cluster.kubectl("create", "configmap", "c", "-n", namespace, "--from-literal=a=1", "--from-literal=b=x y")
    get = lambda output: cluster.kubectl("get", "configmap", "c", "-n", namespace, "-o", output)
    yaml = get("yaml").split("\n")
    assert yaml[:6] == ["apiVersion: v1", "data:", '  a: "1"', "  b: x y", "kind: ConfigMap", "metadata:"]
    assert list(json.loads(get("json"))) == ["apiVersion", "data", "kind", "metadata"]
    assert get("name") == "configmap/c\n"
    assert get("jsonpath={.data.a},{.metadata.name}") == "1,c"
    assert json.loads(get("jsonpath-as-json={.data}")) == [{"a": "1", "b": "x y"}]
    assert get('go-template={{range $k, $v := .data}}{{$k}}={{$v}};{{end}}') == "a=1;b=x y;"
    assert get("custom-columns=NAME:.metadata.name,B:.data.b,NONE:.data.c") == (
        "NAME   B     NONE\nc      x y   <none>\n")


def test_lists_are_sorted_and_selected(cluster, namespace):
    for name, size in (("one", "3"), ("two", "1"), ("three", "2")):
        cluster.kubectl("create", "configmap", name, "-n", namespace, f"--from-literal=size={size}")
    get = lambda *words: cluster.kubectl("get", "configmaps", "-n", namespace, *words)
    eventually(lambda: "kube-root-ca.crt" in get("-o", "name"), what="the authority's certificate")
    cluster.kubectl("label", "configmaps", "one", "two", "three", "-n", namespace, "kind=size")
    names = get("-l", "kind=size", "--sort-by={.data.size}", "-o", "jsonpath={.items[*].metadata.name}")
    assert names == "two three one"
    assert get("--field-selector=metadata.name=two", "-o", "name") == "configmap/two\n"
    wrong = cluster.kubectl(
        "get", "configmaps", "-n", namespace, "--field-selector=data.size=1", check=False)
    assert 'field label not supported: data.size' in wrong.stderr
    assert get("-l", "kind notin (size)", "-o", "name") == "configmap/kube-root-ca.crt\n"
    assert get("-l", "kind=size", "--chunk-size=1", "--no-headers").count("\n") == 3
    several = cluster.kubectl("get", "configmap/one", "serviceaccount/default", "-n", namespace, "-o", "name")
    assert several == "configmap/one\nserviceaccount/default\n"
    missing = cluster.kubectl("get", "configmap", "four", "-n", namespace, check=False)
    assert missing.stderr == 'Error from server (NotFound): configmaps "four" not found\n'
    nothing = cluster.kubectl("get", "pods", "-n", namespace, check=False)
    assert nothing.stderr == f"No resources found in {namespace} namespace.\n"
    unknown = cluster.kubectl("get", "widgets", check=False)
    assert unknown.stderr == 'error: the server doesn\'t have a resource type "widgets"\n'


def test_explain(cluster):
    text = cluster.kubectl("explain", "pod.spec.containers", "--recursive")
    assert text.startswith("KIND:       Pod\nVERSION:    v1\n\nFIELD: containers <[]Container>\n")
    assert re.search(r"^  livenessProbe\t<Probe>\n    exec\t<ExecAction>\n      command\t<\[\]string>$", text, re.M)
    assert re.search(r"^  imagePullPolicy\t<string>\n  enum: ", text, re.M) or "imagePullPolicy\t<string>" in text
    assert re.search(r"^  name\t<string> -required-$", text, re.M)
    deployment = cluster.kubectl("explain", "deployment")
    assert deployment.startswith("GROUP:      apps\nKIND:       Deployment\nVERSION:    v1\n\nDESCRIPTION:\n")
    missing = cluster.kubectl("explain", "pod.spec.nothing", check=False)
    assert missing.stderr == 'error: field "nothing" does not exist\n'
    plain = cluster.kubectl("explain", "pod.spec.nodeName")
    assert "FIELD: nodeName <string>" in plain
    assert cluster.kubectl("explain", "cronjob.spec.jobTemplate.spec", "--api-version=batch/v1")


def test_api_resources(cluster):
    text = cluster.kubectl("api-resources", "-o", "wide")
    assert header(text) == ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", "VERBS", "CATEGORIES"]
    found = {line.split()[0]: line.split() for line in text.strip().split("\n")[1:]}
    every = "create,delete,deletecollection,get,list,patch,update,watch"
    assert found["deployments"] == ["deployments", "deploy", "apps/v1", "true", "Deployment", every, "all"]
    assert found["nodes"] == ["nodes", "no", "v1", "false", "Node", every]
    assert found["bindings"] == ["bindings", "v1", "true", "Binding", "create"]
    listed = cluster.kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    assert "pods" in listed and "deployments.apps" in listed and "nodes" not in listed and "bindings" not in listed
    apps = cluster.kubectl("api-resources", "--api-group=apps", "--no-headers").split("\n")
    assert [line.split()[0] for line in apps if line] == [
        "controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"]
    versions = cluster.kubectl("api-versions").split()
    assert {"v1", "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1"} <= set(versions)


def test_cluster_info(cluster, tmp_path):
    text = re.sub(r"\x1b\[[0-9;]*m", "", cluster.kubectl("cluster-info"))
    assert text.startswith(f"Kubernetes control plane is running at https://127.0.0.1:{cluster.port}\n")
    assert text.endswith("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n")
    cluster.kubectl(
        "cluster-info", "dump", f"--output-directory={tmp_path}", "--namespaces=default,kube-system", timeout=120)
    assert json.loads((tmp_path / "nodes.json").read_text())["items"][0]["metadata"]["name"] == cluster.node
    for name in ("events", "pods", "services", "deployments", "replicasets"):
        assert json.loads((tmp_path / f"default/{name}.json").read_text())["kind"].endswith("List")


def test_waiting(cluster, namespace):
    cluster.apply(pod("w"), namespace=namespace)
    wait = lambda *words, **more: cluster.kubectl("wait", "pod/w", "-n", namespace, "--timeout=60s", *words, **more)
    assert wait("--for=condition=Ready") == "pod/w condition met\n"
    assert wait("--for=jsonpath={.status.phase}=Running") == "pod/w condition met\n"
    assert wait("--for=jsonpath={.status.podIP}") == "pod/w condition met\n"
    late = cluster.kubectl(
        "wait", "pod/w", "-n", namespace, "--for=condition=Nonsense", "--timeout=1s", check=False)
    assert late.returncode == 1
    assert late.stderr == "error: timed out waiting for the condition on pods/w\n"
    missing = cluster.kubectl("wait", "pod/x", "-n", namespace, "--for=condition=Ready", "--timeout=1s", check=False)
    assert missing.stderr == 'Error from server (NotFound): pods "x" not found\n'
    gone = cluster.start("wait", "pod/w", "-n", namespace, "--for=delete", "--timeout=60s")
    assert gone.poll() is None
    cluster.kubectl("delete", "pod", "w", "-n", namespace)
    text, _ = gone.communicate(timeout=60)
    assert (gone.returncode, text) == (0, "pod/w condition met\n")
    coming = cluster.start("wait", "pod/later", "-n", namespace, "--for=create", "--timeout=60s")
    cluster.apply(pod("later"), namespace=namespace)
    text, _ = coming.communicate(timeout=60)
    assert (coming.returncode, text) == (0, "pod/later condition met\n")


def test_events(cluster, namespace):
    cluster.apply(pod("told"), namespace=namespace)
    running(cluster, namespace, "told")
    events = lambda *words: cluster.kubectl("events", "-n", namespace, *words)
    eventually(lambda: "Started" in events(), what="the last event")
    assert header(events()) == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    told = [row for row in rows(events("--for", "pod/told")) if row[1] == "Normal"]
    assert [row[2] for row in told] == ["Scheduled", "Pulled", "Created", "Started"]
    assert {row[3] for row in told} == {"Pod/told"}
    messages = {row[2]: row[4] for row in told}
    assert messages["Scheduled"] == f"Successfully assigned {namespace}/told to {cluster.node}"
    assert messages["Pulled"] == 'Container image "localhost/bb:2" already present on machine'
    assert messages["Started"] == "Started container main"
    assert all(row[1] == "Normal" for row in rows(events("--types=Normal")))
    assert header(cluster.kubectl("get", "events", "-n", namespace, "-o", "wide")) == [
        "LAST SEEN", "TYPE", "REASON", "OBJECT", "SUBOBJECT", "SOURCE", "MESSAGE", "FIRST SEEN", "COUNT", "NAME"]
    watcher = cluster.start("events", "-n", namespace, "--watch")
    try:
        cluster.kubectl("delete", "pod", "told", "-n", namespace)
        eventually(lambda: "Killing" in events(), what="the pod's last event")
    finally:
        watcher.terminate()
        text, _ = watcher.communicate(timeout=10)
    assert "Stopping container main" in text


def test_access_in_full(cluster, namespace):
    text = cluster.kubectl("auth", "can-i", "--list", "-n", namespace)
    assert header(text) == ["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]
    assert ["*.*", "[]", "[]", "[*]"] in [row[:4] for row in rows(text)]
    account = f"--as=system:serviceaccount:{namespace}:default"
    own = cluster.kubectl("auth", "can-i", "--list", "-n", namespace, account)
    assert re.search(r"^selfsubjectreviews\.authentication\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]$", own, re.M)
    assert re.search(r"^selfsubjectaccessreviews\.authorization\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]$", own, re.M)
    assert re.search(r"^\s+\[/api/\*\]\s+\[\]\s+\[get\]$", own, re.M)
    assert "*.*" not in own
    cluster.kubectl("create", "role", "reader", "-n", namespace, "--verb=get,list", "--resource=pods,pods/log")
    cluster.kubectl(
        "create", "rolebinding", "reads", "-n", namespace, "--role=reader", f"--serviceaccount={namespace}:default")
    may = lambda *words: cluster.kubectl(
        "auth", "can-i", *words, "-n", namespace, account, check=False).stdout.strip()
    assert may("list", "pods") == "yes" and may("get", "pods", "--subresource=log") == "yes"
    assert may("delete", "pods") == "no" and may("get", "pods", "--subresource=exec") == "no"
    assert may("get", "/metrics") == "no" and may("get", "/healthz") == "yes"
    own = cluster.kubectl("auth", "can-i", "--list", "-n", namespace, account)
    assert re.search(r"^pods/log\s+\[\]\s+\[\]\s+\[get list\]$", own, re.M)
    refused = cluster.kubectl("delete", "pod", "x", "-n", namespace, account, check=False)
    assert refused.stderr == (
        f'Error from server (Forbidden): pods "x" is forbidden: User "system:serviceaccount:{namespace}:default" '
        f'cannot delete resource "pods" in API group "" in the namespace "{namespace}"\n')


def test_metrics_that_are_not_there(cluster):
    for words in (("nodes",), ("pods", "-A")):
        top = cluster.kubectl("top", *words, check=False)
        assert (top.returncode, top.stderr) == (1, "error: Metrics API not available\n")


def test_describe(cluster, namespace):
    create(cluster, namespace, replicas=1)
    text = cluster.kubectl("describe", "deployment", "web", "-n", namespace)
    for line in (
        r"Replicas:\s+1 desired \| 1 updated \| 1 total \| 1 available \| 0 unavailable", r"StrategyType:\s+RollingUpdate",
        r"RollingUpdateStrategy:\s+25% max unavailable, 25% max surge", r"Available\s+True\s+MinimumReplicasAvailable",
        r"Progressing\s+True\s+NewReplicaSetAvailable", r"ScalingReplicaSet\s+\S+\s+deployment-controller",
    ):
        assert re.search(line, text), f"{line}\n{text}"
    node = cluster.kubectl("describe", "node", cluster.node)
    for line in (
        r"Roles:\s+control-plane", r"Ready\s+True .*KubeletReady\s+kubelet is posting ready status",
        r"Allocatable:\n\s+cpu:", r"Non-terminated Pods:\s+\(\d+ in total\)", r"Allocated resources:",
    ):
        assert re.search(line, node), f"{line}\n{node}"
    assert "Name:         default" in cluster.kubectl("describe", "namespace", "default")


def test_diff_and_replace(cluster, namespace):
    cluster.kubectl("create", "configmap", "c", "-n", namespace, "--from-literal=a=1")
    wanted = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "2"}})
    diff = subprocess.run(
        ["kubectl", "diff", "-n", namespace, "-f", "-"], input=wanted, env=cluster.environment(), text=True,
        capture_output=True, timeout=60)
    assert diff.returncode == 1 and '-  a: "1"\n+  a: "2"\n' in diff.stdout, diff
    assert cluster.kubectl("replace", "-n", namespace, "-f", "-", stdin=wanted) == "configmap/c replaced\n"
    assert cluster.get("configmap", "c", "-n", namespace)["data"] == {"a": "2"}


def test_a_review_is_no_table(cluster):
    token = cluster.kubectl("create", "token", "default").strip()
    review = {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": "default", "verb": "get", "resource": "pods"}}}
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"

    def ask(accept):
        done = subprocess.run(
            ["curl", "-sk", "-m", "10", "-H", f"Authorization: Bearer {token}", "-H", f"Accept: {accept}", "-H",
             "Content-Type: application/json", "-d", json.dumps(review),
             f"https://127.0.0.1:{cluster.port}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"],
            capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)

    refused = ask(table)
    assert (refused["code"], refused["reason"]) == (406, "NotAcceptable")
    assert refused["message"].startswith("only the following media types are accepted: application/json")
    assert ask(f"{table}, application/json")["kind"] == "SelfSubjectAccessReview"
