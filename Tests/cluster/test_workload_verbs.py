"""What people do to workloads and nodes: roll out, set, expose, delete in every way, drain, edit."""

import json
import stat
import subprocess

import pytest

from conftest import eventually
from test_deployment import create, pods
from test_kubectl import pod, running


def template(cluster, namespace, name="web"):
    return cluster.get("deployment", name, "-n", namespace)["spec"]["template"]


def test_a_roll_out_is_told(cluster, namespace):
    create(cluster, namespace, replicas=2)
    rollout = lambda *words, **more: cluster.kubectl("rollout", *words, "-n", namespace, **more)
    assert rollout("status", "deployment/web") == 'deployment "web" successfully rolled out\n'
    assert cluster.kubectl("scale", "deployment/web", "-n", namespace, "--replicas=3") == (
        "deployment.apps/web scaled\n")
    text = rollout("status", "deployment/web", "--timeout=60s")
    assert text.endswith('deployment "web" successfully rolled out\n')
    assert cluster.kubectl("set", "image", "deployment/web", "bb=localhost/bb:1", "-n", namespace) == (
        "deployment.apps/web image updated\n")
    text = rollout("status", "deployment/web", "--timeout=90s")
    told = [line for line in text.splitlines() if line]
    assert told[-1] == 'deployment "web" successfully rolled out'
    assert any('Waiting for deployment "web" rollout to finish: ' in line for line in told[:-1]), text
    missing = rollout("status", "deployment/none", check=False)
    assert missing.stderr == 'Error from server (NotFound): deployments.apps "none" not found\n'


def test_history_pause_resume_restart_undo(cluster, namespace):
    create(cluster, namespace, replicas=1)
    rollout = lambda verb, *words, **more: cluster.kubectl(
        "rollout", verb, "deployment/web", "-n", namespace, *words, **more)
    cluster.kubectl("annotate", "deployment/web", "-n", namespace, "kubernetes.io/change-cause=first")
    assert rollout("pause") == "deployment.apps/web paused\n"
    twice = rollout("pause", check=False)
    assert twice.returncode == 1 and twice.stderr == 'error: deployments.apps "web" is already paused\n'
    cluster.kubectl("set", "env", "deployment/web", "-n", namespace, "COLOR=red")
    assert len(cluster.get("replicasets", "-n", namespace)["items"]) == 1
    assert rollout("resume") == "deployment.apps/web resumed\n"
    again = rollout("resume", check=False)
    assert again.stderr == 'error: deployments.apps "web" is not paused\n'
    rollout("status", "--timeout=60s")
    assert rollout("restart") == "deployment.apps/web restarted\n"
    assert "kubectl.kubernetes.io/restartedAt" in template(cluster, namespace)["metadata"]["annotations"]
    rollout("status", "--timeout=60s")
    history = rollout("history").splitlines()
    assert history[0].strip() == "deployment.apps/web"
    assert history[1].split() == ["REVISION", "CHANGE-CAUSE"]
    assert [line.split()[0] for line in history[2:] if line] == ["1", "2", "3"]
    second = rollout("history", "--revision=2")
    assert second.startswith("deployment.apps/web with revision #2\nPod Template:\n  Labels:\tapp=web\n")
    assert "COLOR:\tred" in second
    rollout("pause")
    held = rollout("undo", check=False)
    assert held.returncode == 1 and "cannot rollback a paused deployment" in held.stderr, held
    rollout("resume")
    assert rollout("undo", "--to-revision=1") == "deployment.apps/web rolled back\n"
    rollout("status", "--timeout=60s")
    assert "env" not in template(cluster, namespace)["spec"]["containers"][0]
    missing = rollout("undo", "--to-revision=9", check=False)
    assert missing.stderr == "error: unable to find specified revision 9 in history\n"


def test_setting_parts(cluster, namespace):
    create(cluster, namespace, replicas=1)
    setting = lambda what, *words: cluster.kubectl("set", what, "deployment/web", "-n", namespace, *words)
    assert setting("env", "A=1", "B=two words") == "deployment.apps/web env updated\n"
    assert setting("env", "--list") == "# Deployment web, container bb\nA=1\nB=two words\n"
    assert setting("env", "A-") == "deployment.apps/web env updated\n"
    assert setting("resources", "--limits=cpu=200m,memory=64Mi", "--requests=cpu=100m") == (
        "deployment.apps/web resource requirements updated\n")
    cluster.kubectl("create", "serviceaccount", "worker", "-n", namespace)
    assert setting("serviceaccount", "worker") == "deployment.apps/web serviceaccount updated\n"
    cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    spec = template(cluster, namespace)["spec"]
    assert spec["serviceAccountName"] == "worker"
    container = spec["containers"][0]
    assert container["env"] == [{"name": "B", "value": "two words"}]
    assert container["resources"] == {
        "limits": {"cpu": "200m", "memory": "64Mi"}, "requests": {"cpu": "100m"}}
    found = [p for p in pods(cluster, namespace) if "deletionTimestamp" not in p["metadata"]]
    assert found[0]["status"]["qosClass"] == "Burstable"
    # What has not changed is not said to have.
    assert setting("env", "B=two words") == ""


def test_expose_and_autoscale(cluster, namespace):
    create(cluster, namespace, replicas=1)
    said = cluster.kubectl("expose", "deployment/web", "-n", namespace, "--port=80", "--target-port=8080")
    assert said == "service/web exposed\n"
    service = cluster.get("service", "web", "-n", namespace)["spec"]
    assert service["selector"] == {"app": "web"}
    assert service["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 8080}]
    assert service["clusterIP"].startswith("10.96.") or service["clusterIP"].startswith("10.")
    address = pods(cluster, namespace)[0]["status"]["podIP"]
    slices = lambda: cluster.get(
        "endpointslices", "-n", namespace, "-l", "kubernetes.io/service-name=web")["items"]
    eventually(lambda: slices()[0]["endpoints"][0]["addresses"] == [address], what="the pod behind the Service")
    twice = cluster.kubectl("expose", "deployment/web", "-n", namespace, "--port=80", check=False)
    assert twice.stderr == 'Error from server (AlreadyExists): services "web" already exists\n'
    if "horizontalpodautoscalers" not in cluster.kubectl("api-resources", "--api-group=autoscaling"):
        refused = cluster.kubectl(
            "autoscale", "deployment/web", "-n", namespace, "--min=1", "--max=3", check=False)
        assert refused.returncode == 1
        return
    assert cluster.kubectl("autoscale", "deployment/web", "-n", namespace, "--min=1", "--max=3") == (
        "horizontalpodautoscaler.autoscaling/web autoscaled\n")


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_every_propagation(cluster, namespace, cascade):
    create(cluster, namespace, replicas=1)
    replica_set = cluster.get("replicasets", "-n", namespace)["items"][0]["metadata"]["name"]
    name = pods(cluster, namespace)[0]["metadata"]["name"]
    said = cluster.kubectl("delete", "deployment/web", "-n", namespace, f"--cascade={cascade}", timeout=90)
    assert said == 'deployment.apps "web" deleted\n'
    left = lambda: (
        [item["metadata"]["name"] for item in cluster.get("replicasets", "-n", namespace)["items"]],
        [item["metadata"]["name"] for item in cluster.get("pods", "-n", namespace)["items"]])
    if cascade == "orphan":
        eventually(
            lambda: not cluster.get("replicaset", replica_set, "-n", namespace)["metadata"].get("ownerReferences"),
            what="the owner to be forgotten")
        assert left() == ([replica_set], [name])
        # One more level: the pod stays, too.
        cluster.kubectl("delete", "replicaset", replica_set, "-n", namespace, "--cascade=orphan")
        eventually(
            lambda: not cluster.get("pod", name, "-n", namespace)["metadata"].get("ownerReferences"),
            what="the pod's owner to be forgotten")
        assert left() == ([], [name])
    elif cascade == "foreground":
        # kubectl waited for the owner, which goes last.
        assert left() == ([], [])
    else:
        eventually(lambda: left() == ([], []), what="everything to go")


def test_deleting_in_other_ways(cluster, namespace):
    delete = lambda *words, **more: cluster.kubectl("delete", *words, "-n", namespace, **more)
    for name in ("a", "b", "c", "d", "e"):
        made = pod(name)
        made["metadata"]["labels"] = {"group": "x" if name in "ab" else "y"}
        cluster.apply(made, namespace=namespace)
        running(cluster, namespace, name)
    assert delete("pod", "a", "--dry-run=server") == 'pod "a" deleted (server dry run)\n'
    assert cluster.get("pod", "a", "-n", namespace)["metadata"].get("deletionTimestamp") is None
    assert sorted(delete("pods", "-l", "group=x", "--now").splitlines()) == ['pod "a" deleted', 'pod "b" deleted']
    forced = delete("pod", "c", "--force", "--grace-period=0", check=False)
    assert forced.returncode == 0 and forced.stdout == 'pod "c" force deleted\n'
    assert forced.stderr == (
        "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. "
        "The resource may continue to run on the cluster indefinitely.\n")
    assert delete("pod/d", "-o", "name") == "pod/d\n"
    assert delete("pods", "--all") == 'pod "e" deleted\n'
    missing = delete("pod", "a", check=False)
    assert missing.stderr == 'Error from server (NotFound): pods "a" not found\n'
    assert delete("pod", "a", "--ignore-not-found") == ""
    assert cluster.kubectl("delete", "pods", "--all", "-n", namespace) == "No resources found\n"


def own_editor(path, script):
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def edit(cluster, namespace, editor, name="c"):
    return subprocess.run(
        ["kubectl", "edit", "configmap", name, "-n", namespace], timeout=60, text=True, capture_output=True,
        env={**cluster.environment(), "EDITOR": editor})


def test_editing_beside_others(cluster, namespace, tmp_path):
    """Somebody else changes the object while it is in the editor."""
    cluster.kubectl("create", "configmap", "c", "-n", namespace, "--from-literal=a=1", "--from-literal=b=1")
    other = f"kubectl patch configmap c -n {namespace} -p '{{\"data\":{{\"b\":\"2\"}}}}' >/dev/null\n"
    editor = own_editor(tmp_path / "beside", other + 'sed -i "s/a: \\"1\\"/a: \\"2\\"/" "$1"\n')
    done = edit(cluster, namespace, editor)
    assert (done.returncode, done.stdout) == (0, "configmap/c edited\n"), done
    assert cluster.get("configmap", "c", "-n", namespace)["data"] == {"a": "2", "b": "2"}
    # An editor that keeps to the revision it began with.
    stale = own_editor(
        tmp_path / "stale", 'sed -i -e "s/a: \\"2\\"/a: \\"3\\"/" -e "s/resourceVersion: .*/resourceVersion: \\"1\\"/" "$1"\n')
    done = edit(cluster, namespace, stale)
    assert done.returncode == 1
    assert (
        'error: configmaps "c" could not be patched: Operation cannot be fulfilled on configmaps "c": the object has '
        "been modified; please apply your changes to the latest version and try again\n") in done.stderr
    assert "You can run `kubectl replace -f " in done.stderr
    assert cluster.get("configmap", "c", "-n", namespace)["data"] == {"a": "2", "b": "2"}
    unchanged = edit(cluster, namespace, own_editor(tmp_path / "none", "true\n"))
    assert unchanged.stderr + unchanged.stdout == "Edit cancelled, no changes made.\n"
    # What is invalid is shown again in the editor, with the reason; then the person gives up.
    invalid = own_editor(tmp_path / "bad", f'cat "$1" >> {tmp_path}/seen; sed -i "s/  a: \\"2\\"/  a b: \\"2\\"/" "$1"\n')
    done = edit(cluster, namespace, invalid)
    assert done.returncode == 1 and "Edit cancelled, no valid changes were saved." in done.stderr, done
    seen = (tmp_path / "seen").read_text()
    assert '# configmaps "c" was not valid:' in seen and "data[a b]: Invalid value" in seen


def test_drain_says_what_holds_it(cluster, namespace):
    node = cluster.node
    create(cluster, namespace, replicas=1)
    local = pod("scratch")
    local["spec"]["volumes"] = [{"name": "d", "emptyDir": {}}]
    cluster.apply(pod("alone"), local, namespace=namespace)
    running(cluster, namespace, "alone")
    running(cluster, namespace, "scratch")
    daemon = daemon_pod(cluster, namespace)
    others = lambda *words, **more: cluster.kubectl(
        "drain", node, "--timeout=60s", "--pod-selector=app in (web,alone,scratch,agent)", *words, timeout=90, **more)
    try:
        refused = others(check=False)
        assert refused.returncode == 1
        assert f"node/{node} cordoned" in refused.stdout
        said = refused.stderr
        assert f"cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): {namespace}/{daemon}" in said
        assert "cannot delete Pods that declare no controller (use --force to override): " in said
        assert f"cannot delete Pods with local storage (use --delete-emptydir-data to override): {namespace}/scratch" in said
        assert len(pods(cluster, namespace, "app in (web,alone,scratch,agent)")) == 4
        done = others("--ignore-daemonsets", "--delete-emptydir-data", "--force", check=False)
        assert done.returncode == 0, done
        assert f"deleting Pods that declare no controller: {namespace}/alone, {namespace}/scratch" in done.stderr
        assert f"ignoring DaemonSet-managed Pods: {namespace}/{daemon}" in done.stderr
        assert f"evicting pod {namespace}/alone" in done.stdout + done.stderr
        assert "pod/alone evicted" in done.stdout and done.stdout.endswith(f"node/{node} drained\n")
        names = [p["metadata"]["name"] for p in pods(cluster, namespace, "app in (alone,scratch,agent)")]
        assert names == [daemon]
        table = cluster.kubectl("get", "node", node)
        assert "Ready,SchedulingDisabled" in table
    finally:
        assert "uncordoned" in cluster.kubectl("uncordon", node)
    assert "already uncordoned" in cluster.kubectl("uncordon", node)


def daemon_pod(cluster, namespace):
    """The pod of a DaemonSet: the controller's own where there is one, else one made as the controller would."""
    container = {"name": "main", "image": "localhost/bb:2", "command": ["/bin/sleep", "100000"]}
    template = {
        "metadata": {"labels": {"app": "agent"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]}}
    cluster.apply(
        {
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"},
            "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template},
        }, namespace=namespace)
    try:
        made = eventually(lambda: pods(cluster, namespace, "app=agent"), timeout=3, what="the controller's pod")
        name = made[0]["metadata"]["name"]
    except AssertionError:
        name = "agent-x"
        owner = cluster.get("daemonset", "agent", "-n", namespace)["metadata"]
        reference = {
            "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": owner["uid"], "controller": True}
        cluster.apply(
            {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "labels": {"app": "agent"}, "ownerReferences": [reference]},
                "spec": {**template["spec"], "nodeName": cluster.node},
            }, namespace=namespace)
    running(cluster, namespace, name)
    return name


def test_taints_are_told(cluster, namespace):
    node = cluster.node
    try:
        assert cluster.kubectl("taint", "node", node, "dedicated=db:PreferNoSchedule") == f"node/{node} tainted\n"
        again = cluster.kubectl("taint", "node", node, "dedicated=db:PreferNoSchedule", check=False)
        assert again.returncode == 1
        assert "already has dedicated taint(s) with same effect(s) and --overwrite is false" in again.stderr
        assert "dedicated=db:PreferNoSchedule" in cluster.kubectl("describe", "node", node)
    finally:
        assert cluster.kubectl("taint", "node", node, "dedicated-") == f"node/{node} untainted\n"


def test_an_eviction_by_taint(cluster, namespace):
    """NoExecute takes pods away that do not tolerate it, at once or when their patience ends."""
    node = cluster.node
    patient = pod("patient", tolerations=[{"key": "broken", "operator": "Exists", "effect": "NoExecute"}])
    cluster.apply(pod("hasty"), patient, namespace=namespace)
    running(cluster, namespace, "hasty")
    running(cluster, namespace, "patient")
    try:
        cluster.kubectl("taint", "node", node, "broken=yes:NoExecute")
        eventually(
            lambda: [p["metadata"]["name"] for p in cluster.get("pods", "-n", namespace)["items"]] == ["patient"],
            what="the hasty pod to go")
    finally:
        cluster.kubectl("taint", "node", node, "broken-")
