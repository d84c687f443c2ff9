"""Server-side apply and field ownership, with the real kubectl."""

import json

import yaml

from conftest import eventually


def deployment(replicas=1, **labels):
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web", **labels}},
        "spec": {
            **({} if replicas is None else {"replicas": replicas}),
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "main", "image": "localhost/bb:2", "command": ["sleep", "100000"]}],
                },
            },
        },
    }


def config(name="settings", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def apply(cluster, namespace, thing, *words, check=True):
    return cluster.kubectl("apply", "-n", namespace, *words, "-f", "-", stdin=json.dumps(thing), check=check)


def server_side(cluster, namespace, thing, *words, check=True):
    return apply(cluster, namespace, thing, "--server-side", *words, check=check)


def owners(cluster, namespace, what):
    found = json.loads(cluster.kubectl("get", "-n", namespace, what, "-o", "json", "--show-managed-fields"))
    return {(entry["manager"], entry["operation"], entry.get("subresource", "")): entry
            for entry in found["metadata"].get("managedFields", [])}


def test_apply_on_the_server(cluster, namespace):
    assert "serverside-applied" in server_side(cluster, namespace, config(a="1", b="2"))
    version = cluster.get("configmap/settings", "-n", namespace)["metadata"]["resourceVersion"]
    server_side(cluster, namespace, config(a="1", b="2"))
    found = cluster.get("configmap/settings", "-n", namespace)
    assert found["metadata"]["resourceVersion"] == version, "the same again writes nothing"
    server_side(cluster, namespace, config(a="3"))
    found = cluster.get("configmap/settings", "-n", namespace)
    assert found["data"] == {"a": "3"}
    assert "annotations" not in found["metadata"]
    entry = owners(cluster, namespace, "configmap/settings")["kubectl", "Apply", ""]
    assert entry["fieldsV1"] == {"f:data": {"f:a": {}}} and entry["apiVersion"] == "v1" and entry["time"]


def test_the_last_label_can_be_given_up(cluster, namespace):
    labelled = config(a="1")
    labelled["metadata"]["labels"] = {"k": "v"}
    server_side(cluster, namespace, labelled)
    assert cluster.get("configmap/settings", "-n", namespace)["metadata"]["labels"] == {"k": "v"}
    server_side(cluster, namespace, config(a="1"))
    found = cluster.get("configmap/settings", "-n", namespace)
    assert "labels" not in found["metadata"] and found["data"] == {"a": "1"}


def test_managed_fields_are_shown_only_when_asked_for(cluster, namespace):
    server_side(cluster, namespace, config(a="1"))
    shown = yaml.safe_load(
        cluster.kubectl("get", "-n", namespace, "configmap/settings", "-o", "yaml", "--show-managed-fields"))
    hidden = yaml.safe_load(cluster.kubectl("get", "-n", namespace, "configmap/settings", "-o", "yaml"))
    assert shown["metadata"]["managedFields"] and "managedFields" not in hidden["metadata"]


def test_conflict_and_force(cluster, namespace):
    server_side(cluster, namespace, config(a="1", b="2"))
    cluster.kubectl("patch", "configmap", "settings", "-n", namespace, "--type=merge", "-p", '{"data":{"a":"9"}}')
    refused = server_side(cluster, namespace, config(a="1", b="2"), check=False)
    assert refused.returncode == 1
    assert 'Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .data.a' in refused.stderr
    assert "--force-conflicts" in refused.stderr
    other = server_side(cluster, namespace, config(b="3"), "--field-manager=other", check=False)
    assert 'conflict with "kubectl": .data.b' in other.stderr
    server_side(cluster, namespace, config(a="1", b="2"), "--force-conflicts")
    assert cluster.get("configmap/settings", "-n", namespace)["data"] == {"a": "1", "b": "2"}
    assert set(owners(cluster, namespace, "configmap/settings")) == {("kubectl", "Apply", "")}


def test_the_same_value_has_two_owners(cluster, namespace):
    server_side(cluster, namespace, config(a="1"))
    server_side(cluster, namespace, config(a="1", c="1"), "--field-manager=other")
    server_side(cluster, namespace, {**config(), "data": {"b": "1"}})
    assert cluster.get("configmap/settings", "-n", namespace)["data"] == {"a": "1", "b": "1", "c": "1"}


def test_upgrade_from_client_side_apply(cluster, namespace):
    apply(cluster, namespace, deployment(replicas=1, tier="front"))
    before = owners(cluster, namespace, "deployment/web")
    assert ("kubectl-client-side-apply", "Update", "") in before
    changed = deployment(replicas=0)
    done = server_side(cluster, namespace, changed, check=False)
    assert "serverside-applied" in done.stdout and not done.stderr, done.stderr
    found = cluster.get("deployment/web", "-n", namespace)
    assert found["spec"]["replicas"] == 0
    assert "tier" not in found["metadata"]["labels"], "what client-side apply set is given up as well"
    after = owners(cluster, namespace, "deployment/web")
    assert ("kubectl", "Apply", "") in after and ("kubectl-client-side-apply", "Update", "") not in after
    # Back on the client's side the annotation is up to date.
    last = json.loads(found["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"])
    assert last["spec"]["replicas"] == 0
    assert "configured" in apply(cluster, namespace, deployment(replicas=1))


def test_diff(cluster, namespace):
    server_side(cluster, namespace, config(a="1"))
    same = cluster.kubectl(
        "diff", "-n", namespace, "--server-side", "-f", "-", stdin=json.dumps(config(a="1")), check=False)
    assert same.returncode == 0, same.stdout + same.stderr
    changed = cluster.kubectl(
        "diff", "-n", namespace, "--server-side", "-f", "-", stdin=json.dumps(config(a="2")), check=False)
    assert changed.returncode == 1 and "+  a: \"2\"" in changed.stdout, changed.stdout + changed.stderr
    client = cluster.kubectl("diff", "-n", namespace, "-f", "-", stdin=json.dumps(config(a="2")), check=False)
    assert client.returncode == 1 and "-  a: \"1\"" in client.stdout
    assert cluster.get("configmap/settings", "-n", namespace)["data"] == {"a": "1"}


def test_prune(cluster, namespace):
    def labelled(name):
        thing = config(name, a="1")
        thing["metadata"]["labels"] = {"set": "one"}
        return thing

    both = {"apiVersion": "v1", "kind": "List", "items": [labelled("first"), labelled("second")]}
    apply(cluster, namespace, both, "--prune", "-l", "set=one", "--prune-allowlist=core/v1/ConfigMap")
    only = {"apiVersion": "v1", "kind": "List", "items": [labelled("first")]}
    out = apply(cluster, namespace, only, "--prune", "-l", "set=one", "--prune-allowlist=core/v1/ConfigMap")
    assert "configmap/second pruned" in out
    eventually(
        lambda: "second" not in cluster.kubectl("get", "configmap", "-n", namespace, "-o", "name"),
        what="the end of what is no longer in the set")


def test_whoever_scales_owns_the_number(cluster, namespace):
    server_side(cluster, namespace, deployment(replicas=1))
    cluster.kubectl("scale", "deployment/web", "-n", namespace, "--replicas=2")
    found = owners(cluster, namespace, "deployment/web")
    assert found["kubectl", "Update", "scale"]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert found["kubectl", "Update", "scale"]["apiVersion"] == "apps/v1"
    assert "f:replicas" not in found["kubectl", "Apply", ""]["fieldsV1"]["f:spec"]
    refused = server_side(cluster, namespace, deployment(replicas=1), check=False)
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in refused.stderr
    server_side(cluster, namespace, deployment(replicas=None))
    assert cluster.get("deployment/web", "-n", namespace)["spec"]["replicas"] == 2


def test_controllers_own_what_they_write(cluster, namespace):
    server_side(cluster, namespace, deployment(replicas=1))
    cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    found = owners(cluster, namespace, "deployment/web")
    status = found["kube-controller-manager", "Update", "status"]
    assert "f:readyReplicas" in status["fieldsV1"]["f:status"]
    pod = cluster.get("pods", "-n", namespace, "-l", "app=web")["items"][0]["metadata"]["name"]
    of_pod = owners(cluster, namespace, f"pod/{pod}")
    assert ("kube-controller-manager", "Update", "") in of_pod and ("kubelet", "Update", "status") in of_pod
    assert "f:containerStatuses" in of_pod["kubelet", "Update", "status"]["fieldsV1"]["f:status"]


def test_what_does_not_fit_the_type(cluster, namespace):
    wrong = deployment()
    wrong["spec"]["foo"] = 1
    refused = server_side(cluster, namespace, wrong, "--validate=false", check=False)
    assert ".spec.foo: field not declared in schema" in refused.stderr
    twice = deployment()
    twice["spec"]["template"]["spec"]["containers"] *= 2
    refused = server_side(cluster, namespace, twice, check=False)
    assert 'duplicate entries for key [name="main"]' in refused.stderr
