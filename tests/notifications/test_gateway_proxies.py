"""Flexisip's requests over HTTP/2 through the documented nginx and Caddy, the real ones."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from notifications import delivery
from notifications.gateway_keys import give_key
from notifications.models import Push, Refusal
from notifications.ownership import Owner
from simulator.tls import make_identity
from tests import server
from tests.apns import VOIP
from tests.factories import BUNDLE_ID, sandbox_credential
from tests.notifications.test_dry_run import credential, serving

pytestmark = pytest.mark.django_db(transaction=True)
DOCS = Path(__file__).parents[2] / "docs/proxy"
TOKEN = "ab" * 32
BUDGET = timedelta(seconds=20)


def nginx(folder: Path, site: str) -> list[str]:
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/log warn; daemon off;\n"
        f"events {{}} http {{ access_log {folder}/access; include site.conf; }}\n"
    )
    return ["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", f"{folder}/log"]


def caddy(folder: Path, site: str) -> list[str]:
    # No admin port, no redirect from port 80: neither belongs to the test.
    site = site.replace("{\n", "{\n\tadmin off\n\tauto_https disable_redirects\n", 1)
    (folder / "Caddyfile").write_text(site)
    return ["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]


PROXIES = {"nginx": (nginx, "nginx.conf"), "caddy": (caddy, "Caddyfile")}


@contextmanager
def proxy(name: str, folder: Path, upstream: str):
    """The documented configuration with this machine's ports and certificate."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {name})")
    identity, port = make_identity(folder / "tls"), server.free_port()
    make, file = PROXIES[name]
    site = (DOCS / file).read_text()
    for documented, ours in {
        "127.0.0.1:8000": upstream.removeprefix("http://"),
        "listen 443": f"listen 127.0.0.1:{port}",
        "push.example.org:443": f"localhost:{port}",
        "push.example.org": "localhost",
        "/etc/pushdash/tls.pem": str(identity.certificate),
        "/etc/pushdash/tls.key": str(identity.certificate_key),
    }.items():
        site = site.replace(documented, ours)
    with (folder / "out").open("wb") as out:
        environment = {"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(folder)}
        process = subprocess.Popen(
            make(folder, site), stdout=out, stderr=out, env=environment
        )
    try:
        wait_for(port, process, folder)
        yield f"https://localhost:{port}", identity.folder / "ca.pem"
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int, process: subprocess.Popen, folder: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "out").read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the proxy does not listen")


def curl(url: str, ca: Path, *options: str) -> tuple[str, str]:
    """Status and HTTP version of one request."""
    command = ["curl", "-sS", "--http2", "--cacert", str(ca), "-o", "/dev/null"]
    command += ["-w", "%{http_code} %{http_version}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    status, version = done.stdout.split()
    return status, version


def asked_by_json(call_id: str, bundle_id: str, provider: str, token: str) -> str:
    said = {
        "pn_provider": provider,
        "pn_param": f"TEAM123456.{bundle_id}.voip",
        "pn_prid": token,
        "type": "call",
        "call_id": call_id,
    }
    return json.dumps(said)


def posting(secret: str, body: str) -> list[str]:
    """curl's options for FlexiAPI's form."""
    headers = [f"x-api-key: {secret}", "content-type: application/json"]
    return [*(word for each in headers for word in ("-H", each)), "-d", body]


@pytest.fixture
def secret():
    sandbox_credential()
    return give_key("flexisip", [], timezone.now())


@pytest.mark.parametrize("name", PROXIES)
def test_both_forms_arrive_over_http2_and_leave_no_secret_in_a_log(
    name, secret, tmp_path
):
    url_form = (
        f"/gateway/{secret}/push/apple?app={BUNDLE_ID}.voip.dev&token={TOKEN}"
        "&event=call&call-id=c1&from=sip%3Aann%40example.org&to=sip%3Abob%40example.org"
    )
    post = ["-X", "POST", "-H", "content-type: text/plain", "-H", "content-length: 0"]
    json_form = posting(secret, asked_by_json("c2", BUNDLE_ID, "apns.dev", TOKEN))
    with server.running() as upstream, proxy(name, tmp_path, upstream) as (base, ca):
        assert curl(base + url_form, ca, *post) == ("200", "2")
        api = "/flexiapi/api/push_notification"
        assert curl(base + api, ca, *json_form) == ("200", "2")
        assert curl(base + "/gateway/wrong/x", ca, *post)[0] == "403"
        assert curl(base + "/login/", ca) == ("200", "2")
        command = ["h2load", "-n", "50", "-c", "2", "-m", "5", "-H", ":method: POST"]
        if shutil.which("h2load"):
            done = subprocess.run(
                [*command, base + url_form.replace("call-id=c1", "call-id=c3")],
                capture_output=True,
                text=True,
                check=True,
            )
            assert "50 2xx, 0 3xx, 0 4xx, 0 5xx" in done.stdout
    calls = dict(Push.objects.values_list("call_id", "repeats"))
    assert calls.pop("c3", 49) == 49
    assert calls == {"c1": 0, "c2": 0}


@pytest.mark.parametrize("name", PROXIES)
def test_the_address_list_sees_who_asks_the_proxy_and_believes_no_client(
    name, tmp_path
):
    sandbox_credential()
    flexisip, elsewhere = "127.0.0.2", "127.0.0.3"
    secret = give_key("flexisip", [f"{flexisip}/32"], timezone.now())
    options = posting(secret, asked_by_json("c1", BUNDLE_ID, "apns.dev", TOKEN))
    forged = ["-H", f"x-forwarded-for: {flexisip}", "-H", f"forwarded: for={flexisip}"]
    with server.running() as upstream, proxy(name, tmp_path, upstream) as (base, ca):
        url = base + "/flexiapi/api/push_notification"

        def ask(address: str, *more: str) -> str:
            return curl(url, ca, "-4", "--interface", address, *options, *more)[0]

        assert ask(flexisip) == "200"
        assert ask(elsewhere) == "403"
        assert ask(elsewhere, *forged) == "403"
    assert set(Refusal.objects.values_list("address", flat=True)) == {elsewhere}


@pytest.mark.parametrize("name", PROXIES)
def test_what_is_asked_of_the_proxy_arrives_at_the_phone(name, identity, tmp_path):
    secret = give_key("flexisip", [], timezone.now())
    with serving(identity) as (port, phones):
        row = credential(identity, port)
        options = posting(secret, asked_by_json("c1", row.app.bundle_id, "apns", VOIP))
        with server.running() as upstream, proxy(name, tmp_path, upstream) as way:
            url = way[0] + "/flexiapi/api/push_notification"
            assert curl(url, way[1], *options) == ("200", "2")
        owner = Owner(tmp_path / "journal")
        try:
            list(delivery.drain(delivery.VOIP, owner, timezone.now, BUDGET))
        finally:
            owner.close()
    push = Push.objects.get()
    assert (push.state, push.call_id) == ("accepted", "c1")
    (delivered,) = phones.delivered
    assert (delivered.token, delivered.apns_id) == (VOIP, str(push.pk))
    assert delivered.payload["aps"]["call-id"] == "c1"


@pytest.mark.parametrize("name", PROXIES)
def test_no_log_of_the_proxy_shows_secret_or_token_even_when_pushdash_is_down(
    name, tmp_path
):
    nobody = f"http://127.0.0.1:{server.free_port()}"
    line = f"/gateway/the-secret/push/apple?token={TOKEN}"
    with proxy(name, tmp_path, nobody) as (base, ca):
        assert curl(base + line, ca)[0] == "502"
    written = b"".join(
        path.read_bytes() for path in tmp_path.iterdir() if path.name in LOGS
    )
    assert b"the-secret" not in written
    assert TOKEN.encode() not in written


LOGS = {"out", "log", "access"}
