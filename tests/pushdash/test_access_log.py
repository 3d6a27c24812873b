"""Request lines of the gateway hold secret and token: our own server writes none of them."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.utils import timezone

from notifications.gateway_keys import give_key
from notifications.models import Push
from pushdash import processes
from tests import factories, server

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN, WRONG = "ab" * 32, "not-the-secret-of-anybody"
FLAG = "--no-access-log"


def command(port: int, var: Path) -> list[str]:
    """How the supervisor starts the web server."""
    started = processes.product("127.0.0.1", port, var)
    return next(one.command for one in started if one.name == "web")


def said_by(words: list[str], port: int, folder: Path, lines: list[str]) -> str:
    """All that a server of this command line prints while it is asked these."""
    path = folder / "web.log"
    with path.open("wb") as output:
        process = server.run(words, port, output, PUSHDASH_LOG_LEVEL="DEBUG")
        try:
            for line in lines:
                ask(f"http://127.0.0.1:{port}{line}")
            with socket.create_connection(("127.0.0.1", port)) as raw:
                raw.sendall(
                    f"GET /gateway/{WRONG}/?token={TOKEN} NONSENSE\r\n\r\n".encode()
                )
                raw.recv(1000)
        finally:
            process.terminate()
            process.wait(10)
    return path.read_text()


def ask(url: str) -> None:
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10)
    except urllib.error.HTTPError as error:
        error.close()


@pytest.fixture
def secret() -> str:
    factories.sandbox_credential()
    return give_key("flexisip", [], timezone.now())


@pytest.fixture
def lines(secret) -> list[str]:
    """One that is stored, and what is refused for its secret, its app and its form."""
    query = f"app-id={factories.BUNDLE_ID}.voip.dev&token={TOKEN}"
    return [
        f"/gateway/{secret}/push/apple?{query}",
        f"/gateway/{WRONG}/push/apple?{query}",
        f"/gateway/{secret}/push/apple?app-id=org.example.none.voip.dev&token={TOKEN}",
        f"/gateway/{secret}/push/apple?token={TOKEN}",
        f"/gateway/{secret}/push/firebase/token={TOKEN}",
    ]


def test_the_web_server_as_it_is_started_writes_no_secret_and_no_token(
    secret, lines, tmp_path
):
    port = server.free_port()
    said = said_by(command(port, tmp_path), port, tmp_path, lines)
    assert Push.objects.get().token.token == TOKEN
    assert said.count("gateway refused") == 4, "what happened is logged all the same"
    for word in (secret, WRONG, TOKEN):
        assert word not in said


def test_it_is_the_flag_that_keeps_them_out(secret, lines, tmp_path):
    port = server.free_port()
    without = [word for word in command(port, tmp_path) if word != FLAG]
    assert secret in said_by(without, port, tmp_path, lines)
