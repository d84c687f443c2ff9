"""Clusters with addresses of both families: pods have two, services those that they ask for, names lead to both. Each cluster
runs in place of the others' one."""

import subprocess

import pytest

from conftest import Cluster, eventually

SERVE = "hostname > /www/index.html; exec httpd -f -p 8080 -h /www"
FAMILIES = {
    "IPv4": ("10.245.0.0/16", "10.97.0.0/16"),
    "IPv6": ("fd00:245::/56", "fd00:97::/112"),
}


def has_ipv6():
    done = subprocess.run(["ip", "-6", "-o", "address", "show", "scope", "global"], capture_output=True, text=True)
    return any(" lo " not in line for line in done.stdout.splitlines())


@pytest.fixture(params=["IPv4 IPv6", "IPv6 IPv4"])
def dual(cluster, tmp_path, request):
    if not has_ipv6():
        pytest.skip("the machine has no address of IPv6")
    order = request.param.split()
    pods, services = (",".join(FAMILIES[family][index] for family in order) for index in (0, 1))
    own = Cluster(tmp_path / "data", options=["--cluster-cidr", pods, "--service-cidr", services])
    cluster.down()
    try:
        try:
            own.up()
        except subprocess.CalledProcessError as error:
            raise AssertionError(f"{error.stdout}{error.stderr}") from error
        own.import_images(tmp_path / "images")
        own.order = order
        yield own
    finally:
        own.reset()
        left = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout
        addresses = subprocess.run(["ip", "-o", "address", "show", "dev", "lo"], capture_output=True, text=True).stdout
        cluster.up()
        assert "swiftlet" not in left and "10.97." not in left and "fd00:97" not in left
        assert "10.97.0.10" not in addresses and "fd00:97::a" not in addresses


def pod(name, command=SERVE):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
            "name": "main", "image": "localhost/bb:2", "command": ["/bin/sh", "-c", command]}]}}


def service(name, **spec):
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}], **spec}}


def family(address):
    return "IPv6" if ":" in address else "IPv4"


def asked(cluster, address, port=80, pod="client"):
    script = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {address} {port} | tail -n 1"
    return cluster.kubectl("exec", pod, "--", "/bin/sh", "-c", script, check=False).stdout.strip()


def from_node(address, port=80):
    host = f"[{address}]" if ":" in address else address
    done = subprocess.run(["curl", "-sg", "--max-time", "3", f"http://{host}:{port}/"], capture_output=True, text=True)
    return done.stdout.strip()


def dig(cluster, *words):
    server = cluster.get("service", "kube-dns", "-n", "kube-system")["spec"]["clusterIP"]
    done = subprocess.run(
        ["dig", f"@{server}", "+short", "+tries=2", *words], capture_output=True, text=True, timeout=30)
    return sorted(done.stdout.split())


def test_both_families_everywhere(dual):
    order = dual.order
    dual.apply(
        pod("web"), pod("client", "exec sleep 100000"),
        service("both", ipFamilyPolicy="PreferDualStack", type="NodePort"), service("one"),
        service("six", ipFamilies=["IPv6"]), service("four", ipFamilies=["IPv4"]),
        service("required", ipFamilyPolicy="RequireDualStack", ipFamilies=["IPv6", "IPv4"]),
        service("headless", clusterIP="None", ipFamilyPolicy="PreferDualStack"))
    dual.kubectl("wait", "pod", "--all", "--for=condition=Ready", "--timeout=90s")

    # Addresses: each pod and the node have both, the preferred one first; services what they ask for.
    status = dual.get("pod", "web")["status"]
    assert [family(entry["ip"]) for entry in status["podIPs"]] == order and status["podIP"] == status["podIPs"][0]["ip"]
    assert [family(entry["ip"]) for entry in status["hostIPs"]] == order
    node = {family(a["address"]): a["address"] for a in dual.get("node", dual.node)["status"]["addresses"]
            if a["type"] == "InternalIP"}
    assert set(node) == set(order)
    spec = {name: dual.get("service", name)["spec"] for name in ["both", "one", "six", "four", "required"]}
    wanted = {"both": order, "one": order[:1], "six": ["IPv6"], "four": ["IPv4"], "required": ["IPv6", "IPv4"]}
    for name, families in wanted.items():
        assert spec[name]["ipFamilies"] == families, name
        assert [family(address) for address in spec[name]["clusterIPs"]] == families, name
    records = {item["metadata"]["name"]: item["spec"]["parentRef"]["name"] for item in dual.get("ipaddresses")["items"]}
    assert all(records.get(address) == name for name in wanted for address in spec[name]["clusterIPs"]), records
    own = dual.get("service", "kubernetes", "-n", "default")["spec"]
    assert own["ipFamilies"] == order[:1]

    # Slices of both families, and packets to every address, from a pod, from the node, and from the pod itself.
    slices = dual.get("endpointslices", "-l", "kubernetes.io/service-name=both")["items"]
    assert {item["addressType"] for item in slices} == {"IPv4", "IPv6"}
    for name in wanted:
        for address in spec[name]["clusterIPs"]:
            eventually(lambda: asked(dual, address) == "web", timeout=20, what=f"{name} at {address} from a pod")
            assert from_node(address) == "web"
    assert asked(dual, spec["both"]["clusterIPs"][1], pod="web") == "web"
    port = spec["both"]["ports"][0]["nodePort"]
    for address in node.values():
        eventually(lambda: from_node(address, port) == "web", timeout=20)
        assert asked(dual, address, port) == "web"

    # Names: both kinds of records, forwards and backwards, and from inside by the search path.
    zone = "default.svc.cluster.local"
    of = {family(address): address for address in spec["both"]["clusterIPs"]}
    eventually(lambda: dig(dual, "AAAA", f"both.{zone}") == [of["IPv6"]], timeout=20)
    assert dig(dual, "A", f"both.{zone}") == [of["IPv4"]]
    pods = {family(entry["ip"]): entry["ip"] for entry in status["podIPs"]}
    eventually(lambda: dig(dual, "AAAA", f"headless.{zone}") == [pods["IPv6"]], timeout=20)
    assert dig(dual, "A", f"headless.{zone}") == [pods["IPv4"]]
    assert dig(dual, "A", f"six.{zone}") == [] and dig(dual, "AAAA", f"four.{zone}") == []
    assert dig(dual, "-x", of["IPv6"]) == [f"both.{zone}."]
    assert asked(dual, "both") == "web" and asked(dual, "six") == "web" and asked(dual, "four") == "web"

    # A service gains the other family and loses it again.
    dual.kubectl("patch", "service", "one", "-p", '{"spec":{"ipFamilyPolicy":"PreferDualStack"}}')
    gained = dual.get("service", "one")["spec"]["clusterIPs"]
    assert gained[0] == spec["one"]["clusterIP"] and [family(address) for address in gained] == order
    eventually(lambda: asked(dual, gained[1]) == "web", timeout=20)
    dual.kubectl("patch", "service", "one", "-p", '{"spec":{"ipFamilyPolicy":"SingleStack"}}')
    assert dual.get("service", "one")["spec"]["clusterIPs"] == gained[:1]

    # A policy binds both.
    dual.apply({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
        "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}}, namespace="default")
    for address in spec["both"]["clusterIPs"]:
        eventually(lambda: asked(dual, address) == "", timeout=20)


def test_wrong_ranges_are_refused(cluster, tmp_path):
    for options, said in [
        (["--service-cidr", "10.0.0.0"], "is no range of addresses"),
        (["--service-cidr", "10.0.0.1/16"], "has host bits; say 10.0.0.0/16"),
        (["--service-cidr", "10.0.0.0/30"], "is too small"),
        (["--service-cidr", "10.0.0.0/16,10.1.0.0/16"], "one of each address family"),
        (["--service-cidr", "10.0.0.0/16,fd00::/112"], "the same address families"),
        (["--service-cidr", "10.244.128.0/24"], "overlap"),
    ]:
        done = cluster.swiftlet("up", "--no-node", "--data-dir", str(tmp_path / "no"), *options, check=False)
        assert done.returncode != 0 and said in done.stderr, (options, done.stderr)
