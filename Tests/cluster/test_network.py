"""What conformance asks of services, endpoints and names, with real packets; docs/conformance.md says which test answers
what. The pods are shared: they are slow to start, and services are not."""

import ctypes
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

import pytest

from conftest import eventually
from test_services import from_node, from_pod, node_address, service

SPACE = "t-network"
CLUSTER_DNS = "10.96.0.10"
ZONE = f"{SPACE}.svc.cluster.local"
# Each pod says its name at two ports.
SERVE = "hostname > /www/index.html; httpd -p 8090 -h /www; exec httpd -f -p 8080 -h /www"
C_LIBRARY = ctypes.CDLL(None, use_errno=True)


def pod(name, labels=None, command=SERVE, ports=(), **spec):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "main", "image": "localhost/bb:2", "command": ["/bin/sh", "-c", command], "ports": list(ports)}],
            **spec},
    }


@pytest.fixture(scope="module")
def web(cluster):
    """Three pods that serve HTTP, with a hostname each, and one to ask from; the names of the three."""
    cluster.kubectl("create", "namespace", SPACE)
    names = [f"web-{index}" for index in range(3)]
    cluster.apply(
        *(pod(name, {"app": "web", "pod": name}, hostname=name, subdomain="sub") for name in names),
        pod("client", command="exec sleep 100000", dnsConfig={"options": [{"name": "attempts", "value": "3"}]}),
        namespace=SPACE)
    cluster.kubectl("wait", "-n", SPACE, "pod", "--all", "--for=condition=Ready", "--timeout=90s")
    yield set(names)
    cluster.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture
def made(cluster, web):
    """Makes objects beside the pods, and removes them at the end of the test."""
    kept = []

    def make(*objects):
        cluster.apply(*objects, namespace=SPACE)
        kept.extend(f"{item['kind']}/{item['metadata']['name']}" for item in objects)
        return [cluster.get(item["kind"], item["metadata"]["name"], "-n", SPACE) for item in objects]

    yield make
    # Services are gone when they are deleted, which kubectl need not watch for each of a hundred.
    services = [name for name in kept if name.startswith("Service/")]
    others = [name for name in kept if name not in services]
    for names, words in [(services, ["--wait=false"]), (others, [])]:
        if names:
            cluster.kubectl("delete", "-n", SPACE, "--ignore-not-found", *words, *names, check=False)


def endpoints(name, *subsets):
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name}, "subsets": list(subsets)}


def endpoint_slice(name, of, addresses, ports):
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": of}},
        "endpoints": [{"addresses": [address]} for address in addresses],
        "ports": [{"name": key, "port": value, "protocol": "TCP"} for key, value in ports.items()]}


def get(cluster, kind, name):
    return cluster.get(kind, name, "-n", SPACE)


def change(cluster, name, patch, *words):
    cluster.kubectl("patch", "service", name, "-n", SPACE, "--type=merge", "-p", json.dumps(patch), *words)


def address_of(cluster, name):
    return get(cluster, "pod", name)["status"]["podIP"]


def answering(cluster, address, port=80, times=12):
    return from_pod(cluster, SPACE, address, port, times=times)


def shown(cluster, name):
    """Pod and port of everything that a service's Endpoints show."""
    return {
        (address["targetRef"]["name"], port["port"])
        for subset in get(cluster, "endpoints", name).get("subsets") or []
        for address in subset.get("addresses") or [] for port in subset["ports"]}


def slices(cluster, name, manager=None):
    selector = f"kubernetes.io/service-name={name}"
    if manager:
        selector += f",endpointslice.kubernetes.io/managed-by={manager}"
    return cluster.get("endpointslices", "-n", SPACE, "-l", selector)["items"]


def sliced(cluster, name):
    return {
        (endpoint["targetRef"]["name"], port["port"])
        for item in slices(cluster, name) for endpoint in item["endpoints"] or []
        if endpoint["conditions"]["ready"] for port in item["ports"] or []}


# MARK: The network of a pod


def process_of(cluster, name):
    """A process of the pod's container, found by its control group; the sandbox has files of its own."""
    uid = get(cluster, "pod", name)["metadata"]["uid"]
    for entry in pathlib.Path("/proc").glob("[0-9]*/cgroup"):
        try:
            text = entry.read_text()
        except OSError:
            continue
        if (uid in text or uid.replace("-", "_") in text) and (entry.parent / "root/bin/busybox").exists():
            return entry.parent.name
    raise AssertionError(f"the pod {name} has no process")


def in_network(cluster, name, body):
    """What `body` returns in the pod's network. Only the thread moves there, and sockets stay where they were made."""
    process, result = process_of(cluster, name), []

    def run():
        with open(f"/proc/{process}/ns/net") as network:
            if C_LIBRARY.setns(network.fileno(), 0) != 0:
                result.append(OSError(ctypes.get_errno(), "setns"))
                return
        try:
            result.append(body())
        except OSError as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


def datagram_socket(port=0):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("0.0.0.0", port))
    made.settimeout(1)
    return made


class DatagramServers:
    """Answers every datagram to a port of some pods with the pod's name: busybox has no server for that."""

    def __init__(self, cluster, names, port=8080):
        self.done = threading.Event()
        self.threads = []
        for name in sorted(names):
            sock = in_network(cluster, name, lambda: datagram_socket(port))
            self.threads.append(threading.Thread(target=self.serve, args=(sock, name)))
            self.threads[-1].start()

    def serve(self, sock, name):
        with sock:
            while not self.done.is_set():
                try:
                    _, client = sock.recvfrom(1000)
                    sock.sendto(name.encode(), client)
                except OSError:
                    continue

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()


def ask_by_datagram(cluster, address, port, client="client"):
    """Who answers a datagram, asked from a pod, or from the node (client None); "" if nobody does."""
    sock = in_network(cluster, client, datagram_socket) if client else datagram_socket()
    with sock:
        sock.connect((address, port))
        try:
            sock.send(b"who")
            return sock.recv(1000).decode()
        except OSError:
            return ""


def datagram_names(cluster, address, port, client="client", times=12):
    return {ask_by_datagram(cluster, address, port, client) for _ in range(times)}


def dig_in(cluster, name, *words):
    """dig in a pod's network, with the pod's resolv.conf: its search path, its server."""
    process = process_of(cluster, name)
    inner = 'mount --bind "$0" /etc/resolv.conf && exec dig +search +short +tries=2 "$@"'
    with tempfile.NamedTemporaryFile("w") as file:
        # A copy: the pod's own file lies in a mount namespace from which nothing can be bound.
        file.write(cluster.kubectl("exec", "-n", SPACE, name, "--", "cat", "/etc/resolv.conf"))
        file.flush()
        done = subprocess.run(
            ["nsenter", f"--net=/proc/{process}/ns/net", "unshare", "-m", "sh", "-c", inner, file.name, *words],
            text=True, capture_output=True, timeout=30, check=True)
    return sorted(done.stdout.split("\n")[:-1])


# MARK: Pods reach each other


def test_pods_and_the_node_reach_every_pod(cluster, web):
    with DatagramServers(cluster, web):
        for name in sorted(web):
            address = address_of(cluster, name)
            assert answering(cluster, address, 8080, times=1) == {name}
            assert from_node(address, 8080) == {name}
            eventually(lambda: ask_by_datagram(cluster, address, 8080) == name, timeout=10)
            eventually(lambda: ask_by_datagram(cluster, address, 8080, client=None) == name, timeout=10)


def test_pods_share_a_host_port_at_different_addresses_and_protocols(cluster, web, made):
    node = node_address(cluster)

    def holder(name, address, protocol):
        port = {"containerPort": 8080, "hostPort": 54323, "hostIP": address, "protocol": protocol}
        return pod(name, ports=[port], nodeName=cluster.node)

    names = ["port-local", "port-node", "port-datagram"]
    places = [("127.0.0.1", "TCP"), (node, "TCP"), (node, "UDP")]
    unplaced = [holder(name, *place) for name, place in zip(names, places)]
    for item in unplaced:
        # The scheduler is to find that they fit.
        del item["spec"]["nodeName"]
    made(*unplaced)
    cluster.kubectl(
        "wait", "-n", SPACE, *(f"pod/{name}" for name in names), "--for=condition=Ready", "--timeout=60s")
    eventually(lambda: from_node("127.0.0.1", 54323) == {"port-local"}, timeout=10)
    eventually(lambda: from_node(node, 54323) == {"port-node"}, timeout=10)
    assert answering(cluster, node, 54323, times=1) == {"port-node"}
    with DatagramServers(cluster, ["port-datagram"]):
        eventually(lambda: ask_by_datagram(cluster, node, 54323) == "port-datagram", timeout=10)
    # The same place twice does not fit.
    rival = holder("port-rival", node, "TCP")
    del rival["spec"]["nodeName"]
    made(rival)
    condition = eventually(lambda: get(cluster, "pod", "port-rival")["status"]["conditions"][0], timeout=20)
    assert condition["reason"] == "Unschedulable" and "free ports" in condition["message"]


def test_a_policy_holds_within_a_second(cluster, web, made):
    """The fastest of three tries: a machine that is busy with other things is not what is measured."""
    address = address_of(cluster, "web-0")

    def connects():
        def connect():
            with socket.socket() as sock:
                sock.settimeout(0.2)
                return sock.connect_ex((address, 8080)) == 0

        return in_network(cluster, "client", connect)

    policy = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "shut"},
        "spec": {"podSelector": {"matchLabels": {"pod": "web-0"}}, "policyTypes": ["Ingress"]}}
    times = []
    for _ in range(3):
        eventually(connects, timeout=20)
        made(policy)
        began = time.monotonic()
        eventually(lambda: not connects(), timeout=20)
        times.append(time.monotonic() - began)
        cluster.kubectl("delete", "networkpolicy", "shut", "-n", SPACE)
    eventually(connects, timeout=20)
    assert min(times) < 1, times


# MARK: Services


def test_one_port_number_serves_two_protocols(cluster, web, made):
    tcp = {"name": "tcp", "port": 80, "protocol": "TCP", "targetPort": 8080}
    udp = {"name": "udp", "port": 80, "protocol": "UDP", "targetPort": 8080}
    made(service("both", ports=[tcp, udp]))
    address = get(cluster, "service", "both")["spec"]["clusterIP"]

    def streams():
        return bool(answering(cluster, address, times=1) & web)

    def datagrams():
        return ask_by_datagram(cluster, address, 80) in web

    with DatagramServers(cluster, web):
        eventually(lambda: answering(cluster, address, times=15) == web, timeout=15)
        eventually(lambda: datagram_names(cluster, address, 80) == web, timeout=15)
        change(cluster, "both", {"spec": {"ports": [tcp]}})
        eventually(lambda: streams() and not datagrams(), timeout=15)
        change(cluster, "both", {"spec": {"ports": [udp]}})
        eventually(lambda: datagrams() and not streams(), timeout=15)


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_session_affinity_works_and_switches(cluster, web, made, kind):
    [found] = made(service("stay", type=kind, sessionAffinity="ClientIP"))
    places = [(found["spec"]["clusterIP"], 80)]
    if kind == "NodePort":
        places.append((node_address(cluster), found["spec"]["ports"][0]["nodePort"]))
    for address, port in places:
        eventually(lambda: answering(cluster, address, port, times=1) & web, timeout=15)
        assert len(answering(cluster, address, port, times=15)) == 1
    for affinity, spreads in [("None", True), ("ClientIP", False)]:
        change(cluster, "stay", {"spec": {"sessionAffinity": affinity}})
        for address, port in places:
            eventually(lambda: (len(answering(cluster, address, port, times=12)) > 1) == spreads, timeout=20)
    # By its name as well.
    assert len(answering(cluster, "stay", times=15) & web) == 1


def test_types_change_to_and_from_external_names(cluster, web, made):
    outside = {"spec": {"type": "ExternalName", "externalName": "kubernetes.default.svc.cluster.local"}}
    for kind in ["ClusterIP", "NodePort"]:
        [found] = made(service("kind", type=kind))
        address, port = found["spec"]["clusterIP"], found["spec"]["ports"][0].get("nodePort")
        eventually(lambda: answering(cluster, "kind") & web, timeout=15)
        change(cluster, "kind", outside)
        found = get(cluster, "service", "kind")
        assert "clusterIP" not in found["spec"] and "clusterIPs" not in found["spec"]
        assert not any("nodePort" in item for item in found["spec"]["ports"])
        eventually(lambda: "10.96.0.1" in dig_in(cluster, "client", "kind"), timeout=15)
        assert dig_in(cluster, "client", "CNAME", "kind") == ["kubernetes.default.svc.cluster.local."]
        eventually(lambda: not answering(cluster, address, times=1) & web, timeout=10)
        if port:
            # What it had is free for others.
            made(service("heir", type=kind, ports=[{"port": 80, "targetPort": 8080, "nodePort": port}]))
            cluster.kubectl("delete", "service", "heir", "-n", SPACE)
        # And back: an address anew, by which it is reached again.
        change(cluster, "kind", {"spec": {
            "type": kind, "externalName": None, "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}})
        found = get(cluster, "service", "kind")
        address, port = found["spec"]["clusterIP"], found["spec"]["ports"][0].get("nodePort")
        assert (port is not None) == (kind == "NodePort")
        eventually(lambda: answering(cluster, address) == web, timeout=15)
        eventually(lambda: answering(cluster, "kind") & web, timeout=15)
        if port:
            eventually(lambda: answering(cluster, node_address(cluster), port) == web, timeout=15)
        cluster.kubectl("delete", "service", "kind", "-n", SPACE)


def test_endpoints_follow_the_pods(cluster, web, made):
    [_] = made(service("follow", app="follow", ports=[{"name": "first", "port": 80, "targetPort": "first"}]))
    eventually(lambda: get(cluster, "endpoints", "follow") and shown(cluster, "follow") == set(), timeout=15)

    def member(name, port):
        return pod(name, {"app": "follow"}, ports=[{"name": "first", "containerPort": port}])

    steps = [
        (lambda: made(member("one", 8080)), {("one", 8080)}),
        (lambda: made(member("two", 8090)), {("one", 8080), ("two", 8090)}),
        (lambda: cluster.kubectl("delete", "pod", "one", "-n", SPACE), {("two", 8090)}),
        (lambda: cluster.kubectl("delete", "pod", "two", "-n", SPACE), set()),
    ]
    address = get(cluster, "service", "follow")["spec"]["clusterIP"]
    for step, wanted in steps:
        step()
        eventually(lambda: shown(cluster, "follow") == wanted and sliced(cluster, "follow") == wanted, timeout=30)
        if wanted:
            eventually(lambda: answering(cluster, address) == {name for name, _ in wanted}, timeout=15)


def test_each_port_has_the_endpoints_of_its_own(cluster, web, made):
    ports = [{"name": "a", "port": 80, "targetPort": "a"}, {"name": "b", "port": 81, "targetPort": "b"}]
    made(service("several", app="several", ports=ports))
    eventually(lambda: get(cluster, "endpoints", "several") and shown(cluster, "several") == set(), timeout=15)
    made(pod("several-a", {"app": "several"}, ports=[{"name": "a", "containerPort": 8080}]))
    eventually(lambda: shown(cluster, "several") == {("several-a", 8080)}, timeout=30)
    made(pod("several-b", {"app": "several"}, ports=[{"name": "b", "containerPort": 8090}]))
    both = {("several-a", 8080), ("several-b", 8090)}
    eventually(lambda: shown(cluster, "several") == both and sliced(cluster, "several") == both, timeout=30)
    address = get(cluster, "service", "several")["spec"]["clusterIP"]
    eventually(lambda: answering(cluster, address, 80) == {"several-a"}, timeout=15)
    eventually(lambda: answering(cluster, address, 81) == {"several-b"}, timeout=15)
    cluster.kubectl("delete", "pod", "several-a", "-n", SPACE)
    eventually(lambda: shown(cluster, "several") == {("several-b", 8090)}, timeout=30)
    cluster.kubectl("delete", "pod", "several-b", "-n", SPACE)
    eventually(lambda: shown(cluster, "several") == set(), timeout=30)


@pytest.mark.parametrize("count", [1, 2])
def test_slices_by_hand_lead_to_their_ports(cluster, web, made, count):
    """Without a selector, one address or several, each port in a slice of its own."""
    addresses = [address_of(cluster, f"web-{index}") for index in range(count)]
    name = f"hand-{count}"
    spec = service(name, ports=[{"name": "a", "port": 80}, {"name": "b", "port": 81}])
    del spec["spec"]["selector"]
    made(
        spec, endpoint_slice(name + "-a", name, addresses[:1], {"a": 8080}),
        endpoint_slice(name + "-b", name, addresses[-1:], {"b": 8090}))
    address = get(cluster, "service", name)["spec"]["clusterIP"]
    eventually(lambda: answering(cluster, address, 80) == {"web-0"}, timeout=15)
    eventually(lambda: answering(cluster, address, 81) == {f"web-{count - 1}"}, timeout=15)


def test_requests_pass_through_the_api_server(cluster, web, made):
    [_] = made(service("through", ports=[{"name": "http", "port": 80, "targetPort": 8080}]))
    eventually(lambda: sliced(cluster, "through"), timeout=15)
    root = f"/api/v1/namespaces/{SPACE}"
    for place in ["web-0:8090/proxy/", "http:web-0:8080/proxy/index.html"]:
        assert cluster.kubectl("get", "--raw", f"{root}/pods/{place}").strip() == "web-0"
    for place in ["through:80", "through:http", "http:through:http"]:
        eventually(
            lambda: cluster.kubectl("get", "--raw", f"{root}/services/{place}/proxy/").strip() in web, timeout=15)


def test_endpoints_of_a_hundred_services_come_soon(cluster, web, made):
    waits = []
    for batch in range(10):
        names = [f"soon-{batch}-{index}" for index in range(10)]
        began = time.monotonic()
        made(*(service(name) for name in names))
        for name in names:
            eventually(lambda: shown(cluster, name), timeout=60)
            waits.append(time.monotonic() - began)
    waits.sort()
    # Upstream's bounds are 20 s and 50 s.
    assert len(waits) == 100 and waits[50] < 20 and waits[90] < 50, waits


def test_the_time_to_rules_is_measured(cluster, web, made):
    made(service("timed"))
    name = "kubeproxy_network_programming_duration_seconds"

    def counted():
        with urllib.request.urlopen("http://127.0.0.1:10249/metrics", timeout=3) as answer:
            text = answer.read().decode()
        return int(re.search(rf"^{name}_count (\d+)$", text, re.MULTILINE)[1])

    before = counted()
    made(pod("timed", {"app": "web"}))
    eventually(lambda: counted() > before, timeout=30)


def test_the_api_servers_port_stays_its_own(cluster, web, made):
    node = node_address(cluster)
    ports = [{"name": "api", "port": cluster.port, "targetPort": 8080}]
    made(service("greedy", type="LoadBalancer", ports=ports), service("external", externalIPs=[node], ports=ports))
    for name, reason in [("greedy", "SyncLoadBalancerFailed"), ("external", "PortInUse")]:
        event = eventually(lambda: cluster.get(
            "events", "-n", SPACE, "--field-selector", f"involvedObject.name={name},reason={reason}")["items"][0], timeout=20)
        assert str(cluster.port) in event["message"] and event["type"] == "Warning"
    assert not get(cluster, "service", "greedy")["status"]["loadBalancer"].get("ingress")
    # Whoever asks there asks the API server, from outside of the node as from inside.
    for place in [None, "client"]:
        host = f"{node} {cluster.port}"
        script = f"nc -w 2 {host} </dev/null && printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {host}"
        words = ["kubectl", "exec", "-n", SPACE, place, "--", "/bin/sh", "-c", script] if place else [
            "curl", "-sk", f"https://{host.replace(' ', ':')}/version"]
        done = subprocess.run(words, env=cluster.environment(), capture_output=True, text=True, timeout=30)
        assert not any(name in done.stdout for name in web), done.stdout


# MARK: Objects


def test_slices_and_endpoints_come_and_go_with_a_service(cluster, web, made):
    found = json.loads(cluster.kubectl("get", "--raw", "/apis/discovery.k8s.io/v1"))
    assert "endpointslices" in {resource["name"] for resource in found["resources"]}
    made(service("brief", app="nobody"))
    eventually(lambda: get(cluster, "endpoints", "brief"), timeout=15)
    eventually(lambda: slices(cluster, "brief", "endpointslice-controller.k8s.io"), timeout=15)
    cluster.kubectl("delete", "service", "brief", "-n", SPACE)
    eventually(
        lambda: "NotFound" in cluster.kubectl("get", "endpoints", "brief", "-n", SPACE, check=False).stderr, timeout=30)
    eventually(lambda: not slices(cluster, "brief"), timeout=30)


def test_the_api_servers_own_service(cluster):
    everywhere = cluster.get("services", "-A")["items"]
    assert ("default", "kubernetes") in {(s["metadata"]["namespace"], s["metadata"]["name"]) for s in everywhere}
    spec = cluster.get("service", "kubernetes", "-n", "default")["spec"]
    assert spec["ports"][0]["name"] == "https" and spec["ports"][0]["port"] == 443
    subset = cluster.get("endpoints", "kubernetes", "-n", "default")["subsets"][0]
    assert subset["addresses"] and subset["ports"][0]["port"] == cluster.port
    own = cluster.get(
        "endpointslices", "-n", "default", "-l", "kubernetes.io/service-name=kubernetes")["items"]
    addresses = {address for item in own for endpoint in item["endpoints"] for address in endpoint["addresses"]}
    assert addresses == {address["ip"] for address in subset["addresses"]}
    assert {port["port"] for item in own for port in item["ports"]} == {cluster.port}


def test_endpoints_by_hand_are_mirrored(cluster, web, made):
    spec = service("mirror", ports=[{"name": "http", "port": 80}])
    del spec["spec"]["selector"]
    subset = {
        "addresses": [{"ip": address_of(cluster, "web-0")}], "ports": [{"name": "http", "port": 8080}]}
    made(spec, endpoints("mirror", subset))
    manager = "endpointslicemirroring-controller.k8s.io"

    def mirrored():
        return {
            (address, port["port"]) for item in slices(cluster, "mirror", manager)
            for endpoint in item["endpoints"] for address in endpoint["addresses"] for port in item["ports"]}

    address = get(cluster, "service", "mirror")["spec"]["clusterIP"]
    eventually(lambda: mirrored() == {(address_of(cluster, "web-0"), 8080)}, timeout=15)
    eventually(lambda: answering(cluster, address) == {"web-0"}, timeout=15)
    subset["addresses"] = [{"ip": address_of(cluster, "web-1")}]
    subset["ports"] = [{"name": "http", "port": 8090}]
    cluster.apply(endpoints("mirror", subset), namespace=SPACE)
    eventually(lambda: mirrored() == {(address_of(cluster, "web-1"), 8090)}, timeout=15)
    eventually(lambda: answering(cluster, address) == {"web-1"}, timeout=15)
    cluster.kubectl("delete", "endpoints", "mirror", "-n", SPACE)
    eventually(lambda: not slices(cluster, "mirror", manager), timeout=15)


def watch(cluster, kind, selector):
    return cluster.start("get", kind, "-n", SPACE, "-l", selector, "--watch", "--output-watch-events", "-o", "json")


class Watched:
    """The events of a watch by the real kubectl, as they come."""

    def __init__(self, process):
        self.process = process
        self.text = ""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.text += line

    def events(self):
        decoder, found, at = json.JSONDecoder(), [], 0
        while (start := self.text.find("{", at)) >= 0:
            try:
                event, at = decoder.raw_decode(self.text, start)
            except json.JSONDecodeError:
                break
            found.append((event["type"], event["object"]))
        return found

    def saw(self, wanted):
        return eventually(lambda: any(wanted(*event) for event in self.events()), timeout=20, what="the event")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


def test_the_life_of_a_service_status(cluster, web, made):
    spec = service("status", type="LoadBalancer", loadBalancerClass="example.com/nobodys")
    spec["metadata"]["labels"] = {"life": "status"}
    seen = Watched(watch(cluster, "services", "life=status"))
    try:
        made(spec)
        seen.saw(lambda kind, item: kind == "ADDED")
        assert get(cluster, "service", "status")["status"] == {"loadBalancer": {}}
        cluster.kubectl(
            "patch", "service", "status", "-n", SPACE, "--subresource=status", "--type=merge", "-p",
            '{"metadata":{"annotations":{"patchedstatus":"true"}},'
            '"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.1"}]}}}')
        seen.saw(lambda kind, item: item["metadata"].get("annotations", {}).get("patchedstatus") == "true"
                 and item["status"]["loadBalancer"]["ingress"][0]["ip"] == "203.0.113.1")
        found = json.loads(cluster.kubectl("get", "service", "status", "-n", SPACE, "--subresource=status", "-o", "json"))
        found["status"]["conditions"] = [{
            "type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set from e2e test",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}]
        cluster.kubectl(
            "replace", "-n", SPACE, "--subresource=status", "-f", "-", stdin=json.dumps(found))
        seen.saw(lambda kind, item: item["status"].get("conditions", [{}])[0].get("type") == "StatusUpdate")
        change(cluster, "status", {"metadata": {"labels": {"patched": "yes"}}})
        seen.saw(lambda kind, item: item["metadata"]["labels"].get("patched") == "yes")
        cluster.kubectl("delete", "service", "status", "-n", SPACE)
        seen.saw(lambda kind, item: kind == "DELETED")
    finally:
        seen.stop()


def test_the_life_of_endpoints(cluster, web, made):
    item = endpoints("life", {"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80}]})
    item["metadata"]["labels"] = {"life": "endpoints"}
    seen = Watched(watch(cluster, "endpoints", "life=endpoints"))
    try:
        made(item)
        seen.saw(lambda kind, item: kind == "ADDED")
        assert ("default", "kubernetes") in {
            (e["metadata"]["namespace"], e["metadata"]["name"]) for e in cluster.get("endpoints", "-A")["items"]}
        cluster.kubectl("label", "endpoints", "life", "-n", SPACE, "changed=yes")
        seen.saw(lambda kind, item: item["metadata"]["labels"].get("changed") == "yes")
        patch = {"subsets": [{"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http-test", "port": 8080}]}]}
        cluster.kubectl("patch", "endpoints", "life", "-n", SPACE, "--type=merge", "-p", json.dumps(patch))
        seen.saw(lambda kind, item: item["subsets"][0]["addresses"][0]["ip"] == "10.0.0.25"
                 and item["subsets"][0]["ports"][0]["port"] == 8080)
        cluster.kubectl("delete", "endpoints", "-n", SPACE, "-l", "life=endpoints")
        seen.saw(lambda kind, item: kind == "DELETED")
    finally:
        seen.stop()


def test_a_collection_of_services_is_deleted(cluster, web, made):
    labels = {"delete-1": "yes", "delete-2": "yes", "keep": "no"}
    for name, value in labels.items():
        spec = service(name)
        spec["metadata"]["labels"] = {"collection": "yes", "e2e-delete": value}
        made(spec)
    # One request, as `kubectl delete -l` would not send it.
    path = f"/api/v1/namespaces/{SPACE}/services?labelSelector=e2e-delete%3Dyes"
    cluster.kubectl("delete", "--raw", path)
    left = cluster.get("services", "-n", SPACE, "-l", "collection=yes")["items"]
    assert [item["metadata"]["name"] for item in left] == ["keep"]


# MARK: Names


def resolves(cluster, host, name="client"):
    """What the libc of a pod makes of a name."""
    done = cluster.kubectl("exec", "-n", SPACE, name, "--", "ping", "-c", "1", "-W", "1", host, check=False)
    found = re.search(r"PING \S+ \(([^)]+)\)", done.stdout)
    return found.group(1) if found else done.stdout + done.stderr


def test_a_pods_hosts_file_and_the_clusters_names(cluster, web):
    hosts = cluster.kubectl("exec", "-n", SPACE, "web-0", "--", "cat", "/etc/hosts")
    own = address_of(cluster, "web-0")
    assert re.search(rf"^{re.escape(own)}\tweb-0\.sub\.{re.escape(ZONE)}\tweb-0$", hosts, re.MULTILINE), hosts
    assert re.search(rf"^{re.escape(address_of(cluster, 'client'))}\tclient$", cluster.kubectl(
        "exec", "-n", SPACE, "client", "--", "cat", "/etc/hosts"), re.MULTILINE)
    # A libc finds these without asking anybody.
    assert resolves(cluster, "web-0", "web-0") == own
    assert resolves(cluster, "client") == address_of(cluster, "client")
    for name in ["kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]:
        assert resolves(cluster, name) == "10.96.0.1"
        for way in ["+notcp", "+tcp"]:
            assert dig_in(cluster, "client", way, name) == ["10.96.0.1"]


def test_names_of_services_in_full_and_in_part(cluster, web, made):
    made(
        service("headless", clusterIP="None", ports=[{"name": "http", "port": 80, "targetPort": 8080}]),
        service("plain", ports=[{"name": "http", "port": 80, "targetPort": 8080}]))
    plain = get(cluster, "service", "plain")["spec"]["clusterIP"]
    every = sorted(address_of(cluster, name) for name in web)
    eventually(lambda: dig_in(cluster, "client", f"headless.{ZONE}") == every, timeout=15)
    for suffix in ["", f".{SPACE}", f".{SPACE}.svc", f".{ZONE}"]:
        for way in ["+notcp", "+tcp"]:
            assert dig_in(cluster, "client", way, "headless" + suffix) == every
            assert dig_in(cluster, "client", way, "plain" + suffix) == [plain]
            if suffix in (f".{SPACE}.svc", f".{ZONE}"):
                told = dig_in(cluster, "client", way, "SRV", "_http._tcp.plain" + suffix)
                assert told == [f"0 100 80 plain.{ZONE}."]
                told = dig_in(cluster, "client", way, "SRV", "_http._tcp.headless" + suffix)
                assert len(told) == 3 and all(re.match(r"0 \d+ 8080 ", line) for line in told), told
        assert resolves(cluster, "plain" + suffix) == plain
    assert dig_in(cluster, "client", "-x", plain) == [f"plain.{ZONE}."]


def test_names_of_pods_by_hostname_and_subdomain(cluster, web, made):
    made(service("sub", clusterIP="None", ports=[{"name": "http", "port": 80, "targetPort": 8080}]))
    every = sorted(address_of(cluster, name) for name in web)
    eventually(lambda: dig_in(cluster, "client", f"sub.{ZONE}") == every, timeout=15)
    for name in sorted(web):
        own = address_of(cluster, name)
        assert cluster.kubectl("exec", "-n", SPACE, name, "--", "hostname").strip() == name
        assert resolves(cluster, f"{name}.sub") == own
        assert dig_in(cluster, "client", f"{name}.sub.{ZONE}") == [own]
        assert dig_in(cluster, "client", "+tcp", f"{name}.sub") == [own]


def test_an_external_name_changes_and_becomes_a_service(cluster, web, made):
    made({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "alias"},
        "spec": {"type": "ExternalName", "externalName": "foo.example.com"}})
    eventually(lambda: dig_in(cluster, "client", "CNAME", "alias") == ["foo.example.com."], timeout=15)
    change(cluster, "alias", {"spec": {"externalName": "bar.example.com"}})
    eventually(lambda: dig_in(cluster, "client", "CNAME", "alias") == ["bar.example.com."], timeout=15)
    change(cluster, "alias", {"spec": {
        "type": "ClusterIP", "externalName": None, "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}})
    address = get(cluster, "service", "alias")["spec"]["clusterIP"]
    eventually(lambda: dig_in(cluster, "client", "alias") == [address], timeout=15)
    assert dig_in(cluster, "client", "CNAME", "alias") == []


# MARK: Ranges of addresses


def test_addresses_come_from_every_ready_range(cluster, web, made):
    cluster.apply({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "extra"},
        "spec": {"cidrs": ["10.150.0.0/28"]}})
    try:
        eventually(lambda: ranged(cluster)["conditions"][0]["status"] == "True", timeout=15)
        made(service("ranged", clusterIP="10.150.0.5"))
        eventually(lambda: answering(cluster, "10.150.0.5") == web, timeout=15)
        assert dig_in(cluster, "client", "ranged") == ["10.150.0.5"]
        assert dig_in(cluster, "client", "-x", "10.150.0.5") == [f"ranged.{ZONE}."]
        record = eventually(lambda: cluster.get("ipaddress", "10.150.0.5"), timeout=15)
        assert record["spec"]["parentRef"] == {"resource": "services", "namespace": SPACE, "name": "ranged"}
        # It is kept while it is in use, and gives no address any more.
        cluster.kubectl("delete", "servicecidr", "extra", "--wait=false")
        condition = eventually(
            lambda: next(c for c in ranged(cluster)["conditions"] if c["status"] == "False"), timeout=15)
        assert condition["reason"] == "Terminating"
        refused = cluster.kubectl("apply", "-n", SPACE, "-f", "-", stdin=json.dumps(
            service("late", clusterIP="10.150.0.6")), check=False)
        assert refused.returncode != 0 and "not in the valid range" in refused.stderr
        cluster.kubectl("delete", "service", "ranged", "-n", SPACE)
        eventually(lambda: cluster.kubectl("get", "servicecidr", "extra", check=False).returncode != 0, timeout=30)
    finally:
        cluster.kubectl("delete", "servicecidr", "extra", "--ignore-not-found", "--wait=false", check=False)


def ranged(cluster):
    return cluster.get("servicecidr", "extra")["status"]
