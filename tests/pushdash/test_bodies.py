"""Bodies that never end, over a real server: cut, and the server goes on."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from urllib.parse import urlsplit

import pytest

from pushdash.bodies import LONGEST_BYTES, LONGEST_LOGS_BYTES, BodyLimit

pytestmark = pytest.mark.django_db(transaction=True)
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n"


def sent(base_url: str, head: str, chunks) -> bytes:
    """The beginning of the answer to a request that sends until it is cut."""
    place = urlsplit(base_url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as link:
        link.sendall(head.encode())
        try:
            for chunk in chunks:
                link.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass  # cut while we were sending: the answer is there to be read
        try:
            return link.recv(1000)
        except ConnectionResetError:
            return b"reset"


def test_a_body_that_never_ends_is_cut_and_the_server_goes_on(base_url):
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    endless = (piece for _ in range(4 * LONGEST_LOGS_BYTES // 0x10000))
    head = CHUNKED.format(path="/api/v1/logs/proxy")
    answer = sent(base_url, head, endless)
    assert answer == b"reset" or b" 413 " in answer.split(b"\r\n")[0]
    with urllib.request.urlopen(f"{base_url}/healthz") as healthy:
        assert healthy.status == 200


def test_a_length_that_is_too_great_is_refused_before_a_byte_of_it(base_url):
    for path, longest in (("/api/v1/logs/x", LONGEST_LOGS_BYTES), ("/", LONGEST_BYTES)):
        head = HEAD.format(path=path) + f"Content-Length: {longest + 1}\r\n\r\n"
        assert b" 413 " in sent(base_url, head, []).split(b"\r\n")[0]


def test_a_body_that_comes_too_slowly_is_cut():
    answers = []

    async def application(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    async def receive():
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message):
        answers.append(message)

    scope = {"type": "http", "path": "/api/v1/logs/x", "headers": []}
    asyncio.run(BodyLimit(application, longest_seconds=0.3)(scope, receive, send))
    assert answers[0]["status"] == 408


def test_a_whole_body_reaches_the_application_as_it_was_sent():
    seen = []

    async def application(scope, receive, send):
        seen.append(await receive())
        seen.append(await receive())

    messages = [
        {"type": "http.request", "body": b"abc", "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages[len(seen)]

    scope = {"type": "http", "path": "/", "headers": [(b"content-length", b"3")]}
    asyncio.run(BodyLimit(application)(scope, receive, None))
    assert seen == messages
