"""Names: asked with dig from the node, and with busybox' nslookup and the libc's resolver from inside of pods."""

import re
import subprocess
import urllib.request

from conftest import eventually

SERVER = "10.96.0.10"


def pod(name, labels=None, **spec):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "main", "image": "localhost/bb:2",
                "command": ["/bin/sh", "-c", "while true; do sleep 1; done"]}],
            **spec},
    }


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def ready(cluster, namespace, *names):
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "--timeout=60s", *(f"pod/{name}" for name in names))


def dig(*words):
    done = subprocess.run(
        ["dig", f"@{SERVER}", "+tries=1", "+time=3", *words], text=True, capture_output=True, timeout=30, check=True)
    return done.stdout


def short(*words):
    return sorted(dig("+short", *words).split("\n")[:-1])


def inside(cluster, namespace, name, *words, check=True):
    return cluster.kubectl("exec", "-n", namespace, name, "--", *words, check=check)


def resolve(cluster, namespace, name, host):
    """What the libc of a pod makes of a name."""
    done = inside(cluster, namespace, name, "ping", "-c", "1", "-W", "1", host, check=False)
    found = re.search(r"PING \S+ \(([^)]+)\)", done.stdout)
    return found.group(1) if found else done.stdout + done.stderr


def resolv_conf(cluster, namespace, name):
    lines = inside(cluster, namespace, name, "cat", "/etc/resolv.conf").splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines if line.strip()}


def test_the_clusters_own_names_from_the_node(cluster):
    assert short("kubernetes.default.svc.cluster.local") == ["10.96.0.1"]
    assert short("+tcp", "kube-dns.kube-system.svc.cluster.local") == [SERVER]
    assert short("-x", SERVER) == ["kube-dns.kube-system.svc.cluster.local."]
    assert short("SRV", "_dns-tcp._tcp.kube-dns.kube-system.svc.cluster.local") == [
        "0 100 53 kube-dns.kube-system.svc.cluster.local."]
    assert "status: NXDOMAIN" in dig("nobody.default.svc.cluster.local")
    assert short("TXT", "dns-version.cluster.local") == ['"1.1.0"']
    # The Service leads to a server, too, for who takes its packets there.
    node = cluster.get("nodes")["items"][0]["status"]["addresses"][0]["address"]
    done = subprocess.run(
        ["dig", f"@{node}", "-p", "10053", "+short", "+tries=1", "kubernetes.default.svc.cluster.local"], text=True,
        capture_output=True, timeout=30, check=True)
    assert done.stdout.split() == ["10.96.0.1"]
    with urllib.request.urlopen(f"http://{SERVER}:9153/metrics", timeout=5) as answer:
        assert 'coredns_dns_requests_total{server="dns://:53",zone=".",view="",proto="udp",family="1",type="A"}' in (
            answer.read().decode())


def test_headless_services_and_pods_from_inside(cluster, namespace):
    cluster.apply(
        service("db", clusterIP="None", selector={"app": "db"}, ports=[{"name": "sql", "port": 3306}]),
        service("front", selector={"app": "db"}, ports=[{"port": 80}]),
        service("other", type="ExternalName", externalName="front." + namespace + ".svc.cluster.local"),
        pod("db-0", {"app": "db"}, hostname="db-0", subdomain="db"), pod("db-1", {"app": "db"}), pod("client"),
        namespace=namespace)
    ready(cluster, namespace, "db-0", "db-1", "client")
    zone = f"{namespace}.svc.cluster.local"
    address = {
        item["metadata"]["name"]: item["status"]["podIP"]
        for item in cluster.get("pods", "-n", namespace)["items"]}
    members = sorted([address["db-0"], address["db-1"]])
    eventually(lambda: short(f"db.{zone}") == members, what="both endpoints in DNS")
    dashed = address["db-1"].replace(".", "-")
    assert short(f"db-0.db.{zone}") == [address["db-0"]]
    assert short(f"{dashed}.db.{zone}") == [address["db-1"]]
    assert f"db-0.db.{zone}." in short("-x", address["db-0"])
    assert sorted(line.split()[3] for line in short("SRV", f"_sql._tcp.db.{zone}")) == sorted(
        [f"db-0.db.{zone}.", f"{dashed}.db.{zone}."])
    front = cluster.get("service", "front", "-n", namespace)["spec"]["clusterIP"]

    # From inside: the libc with the search path, and nslookup with whole names.
    assert resolve(cluster, namespace, "client", "front") == front
    assert resolve(cluster, namespace, "client", "other") == front
    assert resolve(cluster, namespace, "client", "kubernetes.default") == "10.96.0.1"
    assert resolve(cluster, namespace, "client", "db-0.db") == address["db-0"]
    assert resolve(cluster, namespace, "client", f"{dashed}.{namespace}.pod.cluster.local") == address["db-1"]
    assert "bad address" in resolve(cluster, namespace, "client", f"nobody.{zone}.")
    told = inside(cluster, namespace, "client", "nslookup", f"db.{zone}", check=False).stdout
    assert SERVER in told and all(member in told for member in members), told

    # A pod that goes leaves its names.
    cluster.kubectl("delete", "pod", "-n", namespace, "db-1", "--wait=false")
    eventually(lambda: short(f"db.{zone}") == [address["db-0"]], what="one endpoint in DNS")

    # And the story of a pod ends with its name.
    story = cluster.swiftlet("flow", "pod/db-0", "-n", namespace, "--data-dir", cluster.directory).stdout
    assert f"name resolvable db.{zone}" in story, story


def test_dns_policies(cluster, namespace):
    cluster.apply(
        pod("first"), pod("host", hostNetwork=True), pod("both", hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet"),
        pod("default", dnsPolicy="Default"),
        pod("none", dnsPolicy="None", dnsConfig={
            "nameservers": ["192.0.2.53"], "searches": ["a.example", "b.example"],
            "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]}),
        pod("more", dnsConfig={"searches": ["more.example"], "options": [{"name": "ndots", "value": "1"}]}),
        namespace=namespace)
    ready(cluster, namespace, "first", "host", "both", "default", "none", "more")
    with open("/etc/resolv.conf") as file:
        words = [line.split() for line in file if line.strip() and not line.startswith(("#", ";"))]
    servers = [line[1] for line in words if line[0] == "nameserver"]
    searches = [word if word == "." else word.rstrip(".") for line in words if line[0] == "search" for word in line[1:]]
    own = [f"{namespace}.svc.cluster.local", "svc.cluster.local", "cluster.local"]
    for name in ["first", "both"]:
        conf = resolv_conf(cluster, namespace, name)
        assert conf["nameserver"] == [SERVER] and conf["options"] == ["ndots:5"], conf
        assert conf["search"][:3] == own and conf["search"][3:] == searches, conf
    for name in ["host", "default"]:
        conf = resolv_conf(cluster, namespace, name)
        assert conf.get("nameserver", [None])[-1:] == servers[-1:] and conf.get("search", []) == searches, conf
    assert resolv_conf(cluster, namespace, "none") == {
        "nameserver": ["192.0.2.53"], "search": ["a.example", "b.example"], "options": ["ndots:2", "edns0"]}
    more = resolv_conf(cluster, namespace, "more")
    assert "more.example" in more["search"] and more["options"] == ["ndots:1"]
    events = cluster.get("events", "-n", namespace)["items"]
    assert not [event for event in events if event["reason"] == "MissingClusterDNS"]


def test_the_address_comes_and_goes_with_the_cluster(cluster):
    def addresses():
        return subprocess.run(["ip", "-o", "addr", "show", "dev", "lo"], text=True, capture_output=True, check=True).stdout

    assert f"{SERVER}/32" in addresses()
    cluster.down()
    assert SERVER not in addresses()
    cluster.up()
    # The node may be Ready a moment before.
    eventually(lambda: f"{SERVER}/32" in addresses(), what="the address")
    eventually(lambda: short("kubernetes.default.svc.cluster.local") == ["10.96.0.1"], what="an answer")
