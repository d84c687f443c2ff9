"""Who is not known gets 401 as a Status: expired and forged tokens, certificates of another authority."""

import base64
import json
import pathlib
import subprocess
import time

import pytest


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def raw_signature(der):
    """The two numbers of an ECDSA signature in DER, as JWTs hold them."""
    body = der[2:]
    numbers = []
    for _ in range(2):
        length = body[1]
        numbers.append(body[2 : 2 + length].lstrip(b"\0").rjust(32, b"\0"))
        body = body[2 + length :]
    return b"".join(numbers)


def signed(header, claims, key):
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", str(key)], input=text.encode(), capture_output=True, check=True)
    return f"{text}.{encoded(raw_signature(done.stdout))}"


def ask(cluster, *words, path="/api/v1/namespaces/default/configmaps"):
    """Code and body of one request with curl."""
    done = subprocess.run(
        ["curl", "-sk", "-m", "10", "-w", "\n%{http_code}", *words, f"https://127.0.0.1:{cluster.port}{path}"],
        capture_output=True, text=True, timeout=30)
    body, _, code = done.stdout.rpartition("\n")
    assert done.returncode == 0, done
    return int(code), body


def expect_unauthorized(answer):
    code, body = answer
    assert code == 401, body
    assert json.loads(body) == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
        "reason": "Unauthorized", "code": 401}


def bearer(cluster, token, **more):
    return ask(cluster, "-H", f"Authorization: Bearer {token}", **more)


@pytest.fixture(scope="module")
def token(cluster):
    return cluster.kubectl("create", "token", "default", "--duration=10m").strip()


def test_the_shortest_token_ends_after_ten_minutes(cluster, token):
    claims = decoded(token.split(".")[1])
    assert claims["exp"] - claims["iat"] == 600 and claims["exp"] > time.time()
    code, body = bearer(cluster, token)
    assert code == 403 and "system:serviceaccount:default:default" in body
    shorter = cluster.kubectl("create", "token", "default", "--duration=9m", check=False)
    assert shorter.returncode == 1
    assert "may not specify a duration less than 10 minutes" in shorter.stderr


def test_a_token_that_has_expired(cluster, token):
    """Signed with the cluster's own key, so that only its time is wrong."""
    key = pathlib.Path(cluster.directory) / "pki/sa.key"
    header, claims, _ = token.split(".")
    header, claims = decoded(header), decoded(claims)
    code, _ = bearer(cluster, signed(header, claims, key))
    assert code == 403, "the signature that the test makes is taken"
    past = int(time.time()) - 7200
    expect_unauthorized(bearer(cluster, signed(header, claims | {"iat": past, "nbf": past, "exp": past + 3600}, key)))
    future = int(time.time()) + 3600
    expect_unauthorized(
        bearer(cluster, signed(header, claims | {"iat": future, "nbf": future, "exp": future + 600}, key)))
    expect_unauthorized(bearer(cluster, signed(header, claims | {"aud": ["somebody else"]}, key)))
    expect_unauthorized(bearer(cluster, signed(header, claims | {"iss": "https://elsewhere"}, key)))


def test_tokens_that_are_none(cluster, token, tmp_path):
    header, claims, signature = token.split(".")
    forged = tmp_path / "forged.key"
    subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(forged)], check=True)
    unsigned = f"{encoded(json.dumps({'alg': 'none'}).encode())}.{claims}."
    wrong = [
        "nonsense", "a.b.c", f"{header}.{claims}", f"{header}.{claims}.{signature[:-6]}AAAAAA", unsigned,
        signed(decoded(header), decoded(claims), forged), "x" * 12000]
    for text in wrong:
        expect_unauthorized(bearer(cluster, text))
    # Also where nobody needs to be known: what is wrong is not taken for what is absent.
    expect_unauthorized(bearer(cluster, "nonsense", path="/healthz"))
    assert ask(cluster, path="/healthz") == (200, "ok")


def test_a_token_ends_with_its_account(cluster, namespace):
    cluster.kubectl("create", "serviceaccount", "brief", "-n", namespace)
    token = cluster.kubectl("create", "token", "brief", "-n", namespace).strip()
    assert bearer(cluster, token)[0] == 403
    cluster.kubectl("delete", "serviceaccount", "brief", "-n", namespace)
    expect_unauthorized(bearer(cluster, token))
    # Nor does another account of that name inherit it.
    cluster.kubectl("create", "serviceaccount", "brief", "-n", namespace)
    expect_unauthorized(bearer(cluster, token))


def client_certificate(folder, name, authority=None):
    """A certificate for the administrator, by `authority` (certificate, key) or by one of its own."""
    run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
    key, request, certificate = f"{name}.key", f"{name}.csr", f"{name}.crt"
    (folder / "extensions").write_text("extendedKeyUsage=clientAuth\n")
    if authority is None:
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
            "-subj", "/CN=swiftlet-ca", "-keyout", f"{name}-ca.key", "-out", f"{name}-ca.crt")
        authority = (f"{name}-ca.crt", f"{name}-ca.key")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-subj", "/O=system:masters/CN=kubernetes-admin", "-keyout", key, "-out", request)
    run("x509", "-req", "-in", request, "-days", "1", "-CA", authority[0], "-CAkey", authority[1],
        "-CAcreateserial", "-CAserial", f"{name}.srl", "-extfile", "extensions", "-out", certificate)
    return ["--cert", str(folder / certificate), "--key", str(folder / key)]


def test_a_certificate_of_another_authority(cluster, tmp_path):
    pki = pathlib.Path(cluster.directory) / "pki"
    own = client_certificate(tmp_path, "own", (str(pki / "ca.crt"), str(pki / "ca.key")))
    assert ask(cluster, *own)[0] == 200
    stranger = client_certificate(tmp_path, "stranger")
    for version in ("--http1.1", "--http2"):
        expect_unauthorized(ask(cluster, version, *stranger))
    expect_unauthorized(ask(cluster, *stranger, path="/healthz"))
    # The server's own certificate is not a client's.
    server = ["--cert", str(pki / "apiserver.crt"), "--key", str(pki / "apiserver.key")]
    expect_unauthorized(ask(cluster, *server))


def test_kubectl_with_wrong_credentials(cluster, token, tmp_path):
    refused = lambda *words: subprocess.run(
        ["kubectl", "--server", f"https://127.0.0.1:{cluster.port}", "--insecure-skip-tls-verify", *words, "get",
         "configmaps"], env={**cluster.environment(), "KUBECONFIG": "/dev/null"}, text=True, capture_output=True,
        timeout=60)
    stranger = client_certificate(tmp_path, "stranger")
    certificate = ["--client-certificate", stranger[1], "--client-key", stranger[3]]
    for words in (["--token", "nonsense"], certificate):
        done = refused(*words)
        assert done.returncode == 1
        assert "error: You must be logged in to the server" in done.stderr, done
    # A good token beside a bad certificate counts.
    done = refused(*certificate, "--token", token)
    assert "Error from server (Forbidden)" in done.stderr, done
