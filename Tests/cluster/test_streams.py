"""What flows between kubectl and a container: attach, exec, run, logs, cp, port-forward."""

import re
import subprocess

from conftest import eventually, free_port
from terminal import Terminal
from test_kubectl import pod, running

WAITING = "If you don't see a command prompt, try pressing enter."


def at_terminal(cluster, *words):
    return Terminal(["kubectl", *words], cluster.environment())


def interactive(name, command, tty, **spec):
    """A pod whose container reads what is typed; without a terminal it sees the end of what the first one types."""
    made = pod(name, command, **spec)
    made["spec"]["containers"][0] |= {"stdin": True, "tty": tty, "stdinOnce": not tty}
    return made


def test_exec_at_a_terminal(cluster, namespace):
    cluster.apply(pod("box"), namespace=namespace)
    running(cluster, namespace, "box")
    with at_terminal(cluster, "exec", "-it", "box", "-n", namespace, "--", "/bin/sh") as shell:
        shell.expect("# ")
        shell.type("test -t 0 && test -t 1 && echo at a $((1 + 1))-way terminal\n")
        shell.expect("at a 2-way terminal")
        shell.type("stty size\n")
        shell.expect("24 80")
        shell.resize(100, 40)
        eventually(lambda: resized(shell), timeout=10, what="the new size")
        # Interrupts what runs in the shell, not kubectl. Only once it runs: before, it is a character like others.
        shell.type("echo $((1 + 2)) sheep; sleep 1000\n")
        shell.expect("3 sheep")
        shell.type("\x03")
        shell.expect("# ")
        shell.type("exit 5\n")
        assert shell.end() == 5
        assert "command terminated with exit code 5" in shell.text


def resized(shell):
    shell.type("stty size\n")
    shell.expect("stty size")
    shell.expect("# ")
    shell.type("echo size $(stty size)\n")
    shell.expect("\nsize ")
    return shell.expect("\r\n").strip() == "40 100"


def test_attach_without_a_terminal(cluster, namespace):
    cluster.apply(
        interactive(
            "echo", "while read line; do echo got $line; done; echo end of input", tty=False, restartPolicy="Never"),
        namespace=namespace)
    running(cluster, namespace, "echo")
    missing = cluster.kubectl("attach", "echo", "-c", "none", "-n", namespace, check=False)
    assert missing.returncode == 1 and "container none not found in pod echo" in missing.stderr
    text = cluster.kubectl("attach", "-i", "echo", "-c", "main", "-n", namespace, stdin="one\ntwo\n", timeout=30)
    assert text == "got one\ngot two\nend of input\n"
    eventually(
        lambda: cluster.get("pod", "echo", "-n", namespace)["status"]["phase"] == "Succeeded", what="the end")


def test_attach_shows_what_a_container_writes(cluster, namespace):
    cluster.apply(pod("clock", "i=0; while true; do i=$((i+1)); echo tick $i; sleep 0.2; done"), namespace=namespace)
    running(cluster, namespace, "clock")
    watcher = cluster.start("attach", "clock", "-n", namespace)
    try:
        lines = [watcher.stdout.readline() for _ in range(4)]
    finally:
        watcher.terminate()
        watcher.wait(timeout=10)
    ticks = [int(line.split()[1]) for line in lines if line.startswith("tick ")]
    assert len(ticks) >= 3 and ticks == list(range(ticks[0], ticks[0] + len(ticks))), lines


def test_attach_at_a_terminal(cluster, namespace):
    cluster.apply(interactive("shell", "exec /bin/sh", tty=True), namespace=namespace)
    running(cluster, namespace, "shell")
    with at_terminal(cluster, "attach", "-it", "shell", "-c", "main", "-n", namespace) as shell:
        shell.expect(WAITING)
        shell.type("\necho $((20 + 22)) is the answer\n")
        shell.expect("42 is the answer")
        shell.type("exit\n")
        assert shell.end() == 0
    restarted = lambda: cluster.get("pod", "shell", "-n", namespace)["status"]["containerStatuses"][0]["restartCount"]
    eventually(lambda: restarted() == 1, what="the shell to be started again")


def test_run_once_at_a_terminal(cluster, namespace):
    words = ["run", "probe", "--rm", "-it", "--image=localhost/bb:2", "--restart=Never", "-n", namespace]
    with at_terminal(cluster, *words, "--", "/bin/sh") as shell:
        shell.expect("# ", timeout=60)
        shell.type("echo $((6 * 7)) from inside\n")
        shell.expect("42 from inside")
        shell.type("exit\n")
        assert shell.end() == 0
        assert 'pod "probe" deleted' in shell.text
    eventually(lambda: not cluster.get("pods", "-n", namespace)["items"], what="the pod to go")


def test_run_once_in_a_pipe(cluster, namespace):
    text = cluster.kubectl(
        "run", "sum", "--rm", "-i", "--image=localhost/bb:2", "--restart=Never", "-n", namespace, "--quiet",
        "--command", "--", "/bin/sh", "-c", "wc -c", stdin="12345", timeout=60)
    assert text.split()[0] == "5", text
    failed = cluster.kubectl(
        "run", "fails", "--rm", "-i", "--image=localhost/bb:2", "--restart=Never", "-n", namespace,
        "--command", "--", "/bin/sh", "-c", "read line; exit 3", stdin="go\n", timeout=60, check=False)
    assert failed.returncode == 3 and "terminated (Error)" in failed.stderr, failed


def test_logs_in_every_way(cluster, namespace):
    script = "for i in 1 2 3 4 5; do echo line $i; done; echo oops >&2; test -e /keep/once || { touch /keep/once; exit 1; }"
    spec = pod("talker", f"{script}; sleep 100000")
    spec["spec"]["containers"][0]["volumeMounts"] = [{"name": "keep", "mountPath": "/keep"}]
    spec["spec"]["volumes"] = [{"name": "keep", "emptyDir": {}}]
    cluster.apply(spec, namespace=namespace)
    restarts = lambda: cluster.get("pod", "talker", "-n", namespace)["status"]["containerStatuses"][0]
    eventually(lambda: restarts()["restartCount"] == 1 and "running" in restarts()["state"], what="the restart")
    logs = lambda *words: cluster.kubectl("logs", "talker", "-n", namespace, *words)
    lines = sorted(["line 1", "line 2", "line 3", "line 4", "line 5", "oops"])
    assert sorted(logs("--previous").splitlines()) == lines
    eventually(lambda: sorted(logs().splitlines()) == lines, what="the second run's lines")
    assert len(logs("--tail=2").splitlines()) == 2
    assert logs("--tail=0") == ""
    stamped = logs("--timestamps").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (line \d|oops)$", line) for line in stamped), stamped
    assert len(logs("--since=1h").splitlines()) == 6
    assert logs("--since-time=2099-01-01T00:00:00Z") == ""
    assert len(logs("--limit-bytes=10")) == 10
    prefixed = logs("--prefix", "--tail=1")
    assert prefixed.startswith("[pod/talker/main] ")
    assert len(cluster.kubectl("logs", "-l", "app=talker", "-n", namespace, "--tail=-1").splitlines()) == 6
    missing = cluster.kubectl("logs", "talker", "-c", "none", "-n", namespace, check=False)
    assert missing.returncode == 1
    assert missing.stderr == "error: container none is not valid for pod talker\n"


def test_following_starts_where_it_is_asked_to(cluster, namespace):
    cluster.apply(
        pod("counter", "i=0; while [ $i -lt 12 ]; do i=$((i+1)); echo $i; sleep 0.2; done; sleep 100000"),
        namespace=namespace)
    running(cluster, namespace, "counter")
    eventually(
        lambda: len(cluster.kubectl("logs", "counter", "-n", namespace).split()) >= 3, what="the first lines")
    follower = cluster.start(
        "logs", "-f", "counter", "-n", namespace, "--tail=1", "--timestamps", "--since=1m")
    try:
        seen = [follower.stdout.readline().split() for _ in range(3)]
    finally:
        follower.terminate()
        follower.wait(timeout=10)
    numbers = [int(words[1]) for words in seen]
    assert numbers[0] >= 3 and numbers == list(range(numbers[0], numbers[0] + 3))
    no_previous = cluster.kubectl("logs", "counter", "-n", namespace, "--previous", check=False)
    assert no_previous.returncode == 1
    assert 'previous terminated container "main" in pod "counter" not found' in no_previous.stderr


def test_copying_directories(cluster, namespace, tmp_path):
    cluster.apply(pod("files"), namespace=namespace)
    running(cluster, namespace, "files")
    source = tmp_path / "tree"
    (source / "below/empty").mkdir(parents=True)
    (source / "one.txt").write_text("one")
    (source / "below/two.bin").write_bytes(bytes(range(256)) * 4000)
    (source / "below/run.sh").write_text("#!/bin/sh\n")
    (source / "below/run.sh").chmod(0o755)
    cluster.kubectl("cp", str(source), f"{namespace}/files:/tmp/tree")
    found = cluster.kubectl("exec", "files", "-n", namespace, "--", "find", "/tmp/tree")
    assert set(found.split()) == {
        "/tmp/tree", "/tmp/tree/one.txt", "/tmp/tree/below", "/tmp/tree/below/two.bin", "/tmp/tree/below/run.sh",
        "/tmp/tree/below/empty"}
    cluster.kubectl("exec", "files", "-n", namespace, "--", "test", "-x", "/tmp/tree/below/run.sh")
    cluster.kubectl("cp", f"{namespace}/files:/tmp/tree", str(tmp_path / "back"), "-c", "main")
    assert (tmp_path / "back/below/two.bin").read_bytes() == (source / "below/two.bin").read_bytes()
    assert (tmp_path / "back/one.txt").read_text() == "one"
    # kubectl 1.32 may leave before it has read that tar failed.
    cluster.kubectl("cp", f"{namespace}/files:/nowhere", str(tmp_path / "none"), check=False)
    assert not (tmp_path / "none").exists()


def test_forwarding_several_ports(cluster, namespace):
    spec = pod("web")
    serve = lambda port: f"mkdir -p /{port}; echo served {port} > /{port}/index.html; httpd -p {port} -h /{port}; "
    spec["spec"]["containers"][0]["command"] = ["/bin/sh", "-c", serve(8080) + serve(9090) + "sleep 100000"]
    cluster.apply(spec, namespace=namespace)
    running(cluster, namespace, "web")
    first, second, closed = free_port(), free_port(), free_port()
    forward = cluster.start(
        "port-forward", "pod/web", "-n", namespace, f"{first}:8080", f"{second}:9090", f"{closed}:1")
    fetch = lambda port: subprocess.run(
        ["curl", "-sf", "-m", "5", f"http://127.0.0.1:{port}/"], capture_output=True, text=True).stdout
    try:
        eventually(lambda: fetch(first) == "served 8080\n", timeout=20, what="the first port")
        assert fetch(second) == "served 9090\n"
        assert fetch(first) == "served 8080\n"
        # kubectl gives up as a whole when nobody listens behind one of the ports.
        assert fetch(closed) == ""
        assert forward.wait(timeout=20) == 1
    finally:
        forward.terminate()
        said, _ = forward.communicate(timeout=10)
    assert "error: lost connection to pod" in said
    assert f"Forwarding from 127.0.0.1:{first} -> 8080\n" in said
    assert f"Forwarding from 127.0.0.1:{second} -> 9090\n" in said
    assert f"Handling connection for {first}\n" in said
    assert "connection refused" in said.lower()
