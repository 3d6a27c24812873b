"""The product's own ASGI server, started by uvicorn on the test database and a free port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from urllib.parse import quote

from django.conf import settings

#: A machine on which all tests run side by side takes its time.
START_SECONDS = 120
STOP_SECONDS = 60


def free_port() -> int:
    """A TCP port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def database_url() -> str:
    """DATABASE_URL of the test database, in the words of `pushdash.settings`."""
    values = settings.DATABASES["default"]
    who = quote(values["USER"]) + (
        f":{quote(values['PASSWORD'])}" if values["PASSWORD"] else ""
    )
    where = "" if values["HOST"].startswith("/") else values["HOST"]
    port = f":{values['PORT']}" if values["PORT"] else ""
    query = f"?host={quote(values['HOST'])}" if values["HOST"].startswith("/") else ""
    return f"postgresql://{who}@{where}{port}/{values['NAME']}{query}"


def start(port: int, **environment: str) -> subprocess.Popen:
    """A server on that port that answers; whoever starts it ends it."""
    command = [sys.executable, "-m", "uvicorn", "pushdash.asgi:application"]
    command += ["--port", str(port), "--log-level", "warning"]
    return run(command, port, **environment)


def run(
    command: list[str], port: int, output: IO[bytes] | None = None, **environment: str
) -> subprocess.Popen:
    """The server this command line starts, once it answers; `output` takes what it says."""
    values = {
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        **environment,
    }
    process = subprocess.Popen(
        command,
        env=os.environ | values,
        cwd=settings.BASE_DIR,
        stdout=output,
        stderr=output,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/healthz", process)
    except AssertionError:
        process.kill()
        process.wait()
        raise
    return process


@contextmanager
def running(**environment: str) -> Iterator[str]:
    """The base URL of a server that runs as long as the block."""
    port = free_port()
    process = start(port, **environment)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _wait(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not answer within {START_SECONDS} s")
