"""How long Flexisip waits for the gateway: 50 requests a second against the real server with
PostgreSQL, until status 200 has come. Bar: 20 ms at the 99th percentile.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from queue import SimpleQueue

import psycopg

from benchmarks.cpu import cpu_of
from benchmarks.private_services import ROOT, make_tables, run_alone
from benchmarks.quantiles import quantile
from pushdash.management.commands.up import free_port

BAR_MS = 20
START_SECONDS = 60
#: Flexisip keeps a few connections; a request waits for none of them.
CONNECTIONS = 16
#: uvicorn closes a connection that nothing came over for five seconds.
KEPT_SECONDS = 4.0
#: Sent before anything is measured: imports, connections, plans.
WARM_REQUESTS = 100
BUNDLE_ID = "org.example.bench"
#: An app with a key nobody opens: nothing is sent here, only taken in.
SETUP = f"""
from django.utils import timezone
from notifications.gateway_keys import give_key
from notifications.models import App, Credential
app, _ = App.objects.get_or_create(bundle_id="{BUNDLE_ID}", defaults=dict(name="Bench"))
Credential.objects.get_or_create(app=app, environment="sandbox", defaults=dict(
    team_id="TEAM123456", key_id="KEY1234567", sealed_key=b"-", server="sandbox",
    created_at=timezone.now()))
print(give_key("bench", [], timezone.now()))
"""
FORMS = {"json": "/flexiapi/api/push_notification", "url": "/gateway/SECRET/push/apple"}


def main(arguments: list[str]) -> int:
    """1 when the bar was missed, an answer was not 200, or a push was not stored."""
    parser = argparse.ArgumentParser(prog="bin/bench gateway", description=__doc__)
    parser.add_argument("--pace", type=int, default=50, help="requests a second")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--form", choices=FORMS, default="json")
    parser.add_argument("--phones", type=int, default=500)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        return run_alone("benchmarks.gateway", arguments)
    make_tables()
    secret = manage("shell", "--verbosity=0", "-c", SETUP).split()[-1]
    with serving() as (port, pid):
        result = measure(pid, port, secret, given)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["ok"] else 1


def manage(*arguments: str) -> str:
    """What a command of ours prints."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


@contextmanager
def serving(*application: str) -> Iterator[tuple[int, int]]:
    """A server of its own: its port and its pid."""
    port = free_port()
    server = start(port, *application)
    try:
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(60)


def start(port: int, *application: str) -> subprocess.Popen:
    """The server as `bin/up` starts it, listening; `application`: another one, in uvicorn's
    words.
    """
    named = application or ("pushdash.asgi:application",)
    command = [sys.executable, "-m", "uvicorn", *named]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return server
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise RuntimeError("the server did not start")


class Flexisip:
    """Asks for pushes over kept connections; a request's time ends with its status."""

    def __init__(self, port: int, secret: str, given: argparse.Namespace) -> None:
        self._port, self._secret, self._form = port, secret, given.form
        self._free: SimpleQueue = SimpleQueue()
        for _ in range(CONNECTIONS):
            made = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            self._free.put((made, 0.0))
        pick = random.Random(1)
        self._tokens = [f"{pick.getrandbits(256):064x}" for _ in range(given.phones)]
        self._calls = count()
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()

    def ask(self, due: float) -> float:
        """Milliseconds from `due` to the answer: a late start counts as the server's."""
        with self._lock:
            call = next(self._calls)
        path, body, headers = self._request(call)
        connection, used = self._free.get()
        if time.perf_counter() - used > KEPT_SECONDS:
            connection.close()  # the request opens it again
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
        finally:
            self._free.put((connection, time.perf_counter()))
        took = (time.perf_counter() - due) * 1000
        with self._lock:
            self.statuses[answer.status] += 1
        return took

    def _request(self, call: int) -> tuple[str, str, dict[str, str]]:
        token = self._tokens[call % len(self._tokens)]
        if self._form == "url":
            path = FORMS["url"].replace("SECRET", self._secret)
            query = f"app-id={BUNDLE_ID}.voip.dev&token={token}&call-id=bench-{call}"
            return f"{path}?{query}&to-uri=sip:u{token[:8]}@example.org", "", {}
        said = {
            "pn_provider": "apns.dev",
            "pn_param": f"TEAM123456.{BUNDLE_ID}.voip",
            "pn_prid": token,
            "type": "call",
            "call_id": f"bench-{call}",
        }
        kind = {"content-type": "application/json", "x-api-key": self._secret}
        return FORMS["json"], json.dumps(said), kind


def measure(pid: int, port: int, secret: str, given: argparse.Namespace) -> dict:
    """Ask at an even pace, whatever the answers take."""
    flexisip = Flexisip(port, secret, given)
    for _ in range(WARM_REQUESTS):
        flexisip.ask(time.perf_counter())
    flexisip.statuses.clear()
    number, spent = given.pace * given.seconds, cpu_of(pid)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        begin = time.perf_counter() + 0.1
        asked = []
        for index in range(number):
            due = begin + index / given.pace
            time.sleep(max(0.0, due - time.perf_counter()))
            asked.append(pool.submit(flexisip.ask, due))
        times = sorted(one.result() for one in asked)
    spent = (cpu_of(pid) - spent) / number
    told = row(times, flexisip.statuses, stored() - WARM_REQUESTS, given)
    return told | {"server_cpu_ms": round(spent * 1000, 2)}


def stored() -> int:
    """Pushes in the database."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        query = "SELECT count(*) FROM notifications_push"
        return database.execute(query).fetchone()[0]


def row(
    times: list[float], statuses: Counter[int], pushes: int, given: argparse.Namespace
) -> dict:
    """The result; `times` in milliseconds, in order."""
    p99 = quantile(times, 0.99)
    is_whole = statuses == {200: len(times)} and pushes == len(times)
    return {
        "bench": "gateway",
        "form": given.form,
        "pace": given.pace,
        "requests": len(times),
        "statuses": dict(statuses),
        "stored": pushes,
        "p50_ms": round(quantile(times, 0.5), 2),
        "p95_ms": round(quantile(times, 0.95), 2),
        "p99_ms": round(p99, 2),
        "max_ms": round(times[-1], 2),
        "bar_ms": BAR_MS,
        "load": round(os.getloadavg()[0], 1),
        "ok": is_whole and p99 <= BAR_MS,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
