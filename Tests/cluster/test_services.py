"""Services with real packets: from pods, from the node, and through its ports."""

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from conftest import eventually

SAY_NAME = "hostname > /www/index.html; exec httpd -f -p 8080 -h /www"


def deployment(name="web", replicas=2, image="localhost/bb:2"):
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 8,
                    "containers": [{
                        "name": "web", "image": image, "command": ["/bin/sh", "-c", SAY_NAME],
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
                        # While others still hear that the pod goes, it answers.
                        "lifecycle": {"preStop": {"exec": {"command": ["/bin/sleep", "2"]}}},
                    }]}}}}


def service(name="web", app="web", **spec):
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}], **spec}}


def serve(cluster, namespace, *objects, replicas=2):
    cluster.apply(deployment(replicas=replicas), *objects, namespace=namespace)
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=90s")
    return names(cluster, namespace)


def names(cluster, namespace):
    pods = cluster.get("pods", "-n", namespace, "-l", "app=web")["items"]
    return {pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


def client(cluster, namespace):
    cluster.kubectl(
        "run", "client", "-n", namespace, "--image=localhost/bb:2", "--restart=Never", "--command", "--", "/bin/sleep", "1000")
    cluster.kubectl("wait", "-n", namespace, "pod/client", "--for=condition=Ready", "--timeout=60s")


def from_pod(cluster, namespace, address, port=80, times=1, pod="client"):
    """The names that answered, or what nc said. (The wget of Debian's static busybox dies of -T.)"""
    script = f"i=0; while [ $i -lt {times} ]; do {ask(address, port)} 2>&1 | tail -n 1; i=$((i+1)); done"
    return set(cluster.kubectl("exec", "-n", namespace, pod, "--", "/bin/sh", "-c", script).split("\n")) - {""}


def ask(address, port=80, seconds=3):
    return f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w {seconds} {address} {port}"


def from_node(address, port=80, times=1):
    answers = set()
    for _ in range(times):
        with urllib.request.urlopen(f"http://{address}:{port}/", timeout=3) as answer:
            answers.add(answer.read().decode().strip())
    return answers


def address_of(cluster, namespace, name="web"):
    return cluster.get("service", name, "-n", namespace)["spec"]["clusterIP"]


def node_address(cluster):
    addresses = cluster.get("node", cluster.node)["status"]["addresses"]
    return next(address["address"] for address in addresses if address["type"] == "InternalIP")


def test_a_cluster_address_answers_pods_and_the_node(cluster, namespace):
    pods = serve(cluster, namespace, service())
    client(cluster, namespace)
    address = address_of(cluster, namespace)
    assert eventually(lambda: from_pod(cluster, namespace, address, times=20) == pods, timeout=10)
    assert from_node(address, times=20) == pods
    # A pod behind the service reaches itself too.
    assert from_pod(cluster, namespace, address, times=20, pod=sorted(pods)[0]) == pods


def test_the_api_server_is_reached_by_its_service(cluster, namespace):
    client(cluster, namespace)
    done = cluster.kubectl(
        "exec", "-n", namespace, "client", "--", "/bin/sh", "-c", "nc -w 3 10.96.0.1 443 </dev/null && echo open")
    assert "open" in done


def test_node_ports_and_load_balancers_answer_on_the_node(cluster, namespace):
    pods = serve(cluster, namespace, service(type="LoadBalancer", ports=[{"port": 8765, "targetPort": 8080}]))
    client(cluster, namespace)
    found = cluster.get("service", "web", "-n", namespace)
    port = found["spec"]["ports"][0]["nodePort"]
    node = node_address(cluster)
    assert eventually(lambda: from_node(node, port, times=20) == pods, timeout=10)
    assert from_pod(cluster, namespace, node, port, times=20) == pods
    ingress = eventually(
        lambda: cluster.get("service", "web", "-n", namespace)["status"]["loadBalancer"].get("ingress"), timeout=10)
    assert node in [entry["ip"] for entry in ingress]
    assert eventually(lambda: from_node(node, 8765, times=20) == pods, timeout=10)


def test_health_checks_tell_of_local_endpoints(cluster, namespace):
    serve(cluster, namespace, service(
        type="LoadBalancer", externalTrafficPolicy="Local", ports=[{"port": 8766, "targetPort": 8080}]))
    port = cluster.get("service", "web", "-n", namespace)["spec"]["healthCheckNodePort"]

    def health():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=3) as answer:
                return answer.status, json.loads(answer.read())["localEndpoints"]
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())["localEndpoints"]

    eventually(lambda: health() == (200, 2), timeout=10)
    cluster.kubectl("scale", "-n", namespace, "deployment/web", "--replicas=0")
    eventually(lambda: health() == (503, 0), timeout=30)


def test_a_client_stays_with_its_endpoint(cluster, namespace):
    pods = serve(cluster, namespace, service(sessionAffinity="ClientIP"), replicas=3)
    client(cluster, namespace)
    address = address_of(cluster, namespace)
    first = eventually(lambda: from_pod(cluster, namespace, address, times=20) & pods, timeout=10)
    assert len(first) == 1
    cluster.kubectl("patch", "service", "web", "-n", namespace, "-p", '{"spec":{"sessionAffinity":"None"}}')
    eventually(lambda: len(from_pod(cluster, namespace, address, times=20)) > 1, timeout=10)


def test_without_endpoints_connections_are_refused_at_once(cluster, namespace):
    cluster.apply(service(app="nobody"), service(name="headless", clusterIP="None"), namespace=namespace)
    client(cluster, namespace)
    address = address_of(cluster, namespace)
    eventually(lambda: any("refused" in line for line in from_pod(cluster, namespace, address)), timeout=10)
    began = time.monotonic()
    try:
        socket.create_connection((address, 80), timeout=5).close()
        raise AssertionError("somebody answered")
    except ConnectionRefusedError:
        assert time.monotonic() - began < 1
    assert "headless" not in subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout


def test_a_rolling_update_under_load_loses_no_request(cluster, namespace):
    serve(cluster, namespace, service(), replicas=3)
    address = address_of(cluster, namespace)
    eventually(lambda: from_node(address, times=5), timeout=10)
    failures, count, done = [], [0], threading.Event()

    def load():
        while not done.is_set():
            try:
                from_node(address)
                count[0] += 1
            except (OSError, urllib.error.URLError) as error:
                failures.append(str(error))
            time.sleep(0.005)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        before = names(cluster, namespace)
        cluster.kubectl("rollout", "restart", "-n", namespace, "deployment/web")
        cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=120s")
        eventually(lambda: not (names(cluster, namespace) & before), timeout=30)
        time.sleep(3)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failures, (count, failures[:5])
    assert count[0] > 100


def test_flow_shows_when_a_pod_became_reachable(cluster, namespace):
    pods = serve(cluster, namespace, service())
    name = sorted(pods)[0]

    def reachable():
        picture = flow(cluster, namespace, name)
        return picture if "reachable as service web" in picture else None

    picture = eventually(reachable, timeout=10)
    assert "service-proxy" in picture


def flow(cluster, namespace, name):
    return cluster.swiftlet("flow", f"pod/{name}", "-n", namespace, "--data-dir", cluster.directory, check=False).stdout


def test_metrics_and_health_are_upstreams(cluster):
    with urllib.request.urlopen("http://127.0.0.1:10256/healthz", timeout=3) as answer:
        assert answer.status == 200 and "lastUpdated" in json.loads(answer.read())
    with urllib.request.urlopen("http://127.0.0.1:10249/metrics", timeout=3) as answer:
        assert "kubeproxy_sync_proxy_rules_duration_seconds_count" in answer.read().decode()


def test_down_leaves_no_rules_and_up_brings_them_back(cluster, namespace):
    pods = serve(cluster, namespace, service())
    address = address_of(cluster, namespace)
    assert "swiftlet-proxy" in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
    subprocess.run(["nft", "add", "table", "ip", "somebody-elses"], check=True)
    try:
        cluster.down()
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
        assert "swiftlet" not in tables and "somebody-elses" in tables
    finally:
        subprocess.run(["nft", "delete", "table", "ip", "somebody-elses"], check=True)
        cluster.up()
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=90s")
    assert pods
    eventually(lambda: from_node(address, times=3), timeout=60)


def policy(name, **spec):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}


def test_network_policies_decide_who_may(cluster, namespace):
    serve(cluster, namespace, service())
    client(cluster, namespace)
    address = address_of(cluster, namespace)

    def answers():
        done = cluster.kubectl(
            "exec", "-n", namespace, "client", "--", "/bin/sh", "-c", f"{ask(address, seconds=1)} 2>/dev/null || true")
        return "200 OK" in done

    eventually(answers, timeout=10)
    cluster.apply(policy("deny", podSelector={}, policyTypes=["Ingress"]), namespace=namespace)
    eventually(lambda: not answers(), timeout=5)
    # The node itself always may: probes go on.
    assert from_node(address)
    allowed = {"from": [{"podSelector": {"matchLabels": {"run": "client"}}}], "ports": [{"port": "http"}]}
    cluster.apply(
        policy("allow", podSelector={"matchLabels": {"app": "web"}}, ingress=[allowed]), namespace=namespace)
    eventually(answers, timeout=5)
    cluster.kubectl("delete", "networkpolicy", "-n", namespace, "--all")
    eventually(answers, timeout=5)
    eventually(lambda: "swiftlet-policies" not in subprocess.run(
        ["nft", "list", "tables"], capture_output=True, text=True).stdout, timeout=5)
