"""A guestbook: a page in front, one place that writes, others that repeat it; they find each other by name."""

import urllib.parse
import urllib.request

from conftest import eventually

# Each part is busybox' httpd with a script; names are looked up in the cluster's DNS. A busybox without a C library
# finds no host by itself, so nslookup does.
FIND = r"""
find() { nslookup "$1" | awk '/^Address/ { address = $NF } END { sub(/:53$/, "", address); print address }'; }
fetch() { printf "GET $2 HTTP/1.0\r\n\r\n" | nc -w 3 "$(find $1)" 8080 | sed '1,/^\r*$/d'; }
"""
# Keeps what `?value=` says; others read the file.
LEADER = r"""
case "$QUERY_STRING" in value=*) echo "${QUERY_STRING#value=}" >> /www/entries ;; esac
printf 'Content-Type: text/plain\r\n\r\n'; cat /www/entries
"""
# Writes go to the leader, reads to a follower.
FRONT = FIND + r"""
printf 'Content-Type: text/plain\r\n\r\n'
case "$QUERY_STRING" in
value=*) fetch leader.$NAMESPACE.svc.cluster.local "/cgi-bin/book?$QUERY_STRING" ;;
*) fetch follower.$NAMESPACE.svc.cluster.local /entries ;;
esac
"""
SERVE = "exec httpd -f -p 8080 -h /www"
FOLLOW = FIND + r"""
(while sleep 0.5; do
    fetch leader.$NAMESPACE.svc.cluster.local /entries > /www/next && mv /www/next /www/entries
done) &
"""


def script(text):
    """Puts a CGI script where the server finds it."""
    return f"mkdir -p /www/cgi-bin\ncat > /www/cgi-bin/book <<'END'\n#!/bin/sh\n{text}\nEND\nchmod +x /www/cgi-bin/book\n"


def component(name, replicas, command):
    container = {
        "name": "main", "image": "localhost/bb:1", "command": ["/bin/sh", "-c", command + SERVE],
        "env": [{"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
        "ports": [{"containerPort": 8080}], "volumeMounts": [{"name": "www", "mountPath": "/www"}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1}}
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"book": "guest"}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name, "book": "guest"}},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [container],
                     "volumes": [{"name": "www", "emptyDir": {}}]}}}}
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {"book": "guest"}},
        "spec": {"selector": {"app": name}, "ports": [{"port": 8080}]}}
    return deployment, service


def test_a_guestbook_comes_up_takes_entries_and_goes(cluster, namespace):
    parts = [
        *component("leader", 1, script(LEADER) + ": > /www/entries\n"),
        *component("follower", 2, ": > /www/entries\n" + FOLLOW),
        *component("frontend", 3, script(FRONT))]
    cluster.apply(*parts, namespace=namespace)
    for name in ("leader", "follower", "frontend"):
        cluster.kubectl("rollout", "status", "-n", namespace, f"deployment/{name}", "--timeout=90s")
    address = cluster.get("service", "frontend", "-n", namespace)["spec"]["clusterIP"]

    def book(query=""):
        with urllib.request.urlopen(f"http://{address}:8080/cgi-bin/book{query}", timeout=10) as answer:
            return answer.read().decode().split()

    eventually(lambda: book() == [], what="an empty book")
    entry = urllib.parse.quote("TestEntry")
    eventually(lambda: entry in book(f"?value={entry}"), what="the entry at the leader")
    eventually(lambda: set(book()) == {entry}, what="the entry at the followers")

    cluster.kubectl("delete", "deployments,services", "-n", namespace, "-l", "book=guest")
    eventually(
        lambda: not cluster.get("pods", "-n", namespace, "-l", "book=guest")["items"], what="nothing left")
