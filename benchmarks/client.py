"""Pushes a second of the APNs client alone, beside stock aioapns, against nginx as a sink.

Alternating rounds, each in a process of its own; npm's @parse/node-apn (NODE_PATH) and libcurl
(pycurl) play too where they are installed; h2load is the limit. Bars: three times stock
aioapns's pushes a second at a third of its CPU a push, and level with node-apn (medians).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from aioapns import APNs, NotificationRequest, PushType

from benchmarks import client_peers
from benchmarks.private_services import ROOT
from notifications.apns import ApnsPush, Client, Key, Outcome, Server
from notifications.payloads import DEFAULTS, Values, filled
from pushdash.management.commands.up import free_port
from simulator.tls import Identity, make_identity

TOKEN = "ab" * 32
TOPIC = "org.example.app.voip"
SITE = """
pid {folder}/pid; error_log {folder}/log; daemon off; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}; keepalive_requests 100000000;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    http2_max_concurrent_streams 1000;
    ssl_certificate {certificate}; ssl_certificate_key {key};
    location / {{ add_header apns-id $http_apns_id; return 200; }}
  }}
}}
"""


def main(arguments: list[str]) -> int:
    """1 when the bar was missed, 2 without nginx."""
    parser = argparse.ArgumentParser(prog="bin/bench client", description=__doc__)
    parser.add_argument("--pushes", type=int, default=20_000, help="a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--play", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.play:
        sys.stdout.write(json.dumps(play(given)))
        return 0
    if shutil.which("nginx") is None:
        sys.stderr.write("nginx is needed: apt-get install nginx\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="pushdash-bench-") as folder:
        return 0 if compare(Path(folder), given) else 1


def compare(folder: Path, given: argparse.Namespace) -> bool:
    """Print a line a player and the comparison; True when the bar is met."""
    names = [*PLAYERS, *client_peers.installed()]
    rounds: dict[str, list[dict]] = {name: [] for name in names}
    with sink(folder) as port:
        for _ in range(given.rounds):
            for name in names:
                rounds[name].append(in_process(name, folder, port, given))
        limit = h2load(port, given)
    figures = {name: medians(rows) for name, rows in rounds.items()}
    for name, row in figures.items():
        tell({"bench": "client", "player": name, **row})
    tell({"bench": "client", "player": "h2load", "per_second": limit})
    faster = figures["pushdash"]["per_second"] / figures["aioapns"]["per_second"]
    cost = figures["pushdash"]["cpu_us"] / figures["aioapns"]["cpu_us"]
    row = {"bench": "client", "times": round(faster, 2), "cpu": round(cost, 2)}
    is_met = faster >= 3 and cost <= 1 / 3
    if "node-apn" in figures:
        level = figures["pushdash"]["per_second"] / figures["node-apn"]["per_second"]
        row["node_times"], is_met = round(level, 2), is_met and level >= 1
    tell({**row, "ok": is_met})
    return is_met


def tell(row: dict) -> None:
    """One JSON line."""
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def medians(rows: list[dict]) -> dict:
    """The median of each figure."""
    return {name: round(median(row[name] for row in rows), 1) for name in rows[0]}


@contextmanager
def sink(folder: Path) -> Iterator[int]:
    """nginx that answers 200 to everything, on a port of its own."""
    identity, port = make_identity(folder / "apns"), free_port()
    names = {"certificate": identity.certificate, "key": identity.certificate_key}
    (folder / "nginx.conf").write_text(SITE.format(folder=folder, port=port, **names))
    command = ["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", f"{folder}/log"]
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def in_process(name: str, folder: Path, port: int, given: argparse.Namespace) -> dict:
    """One round of one player."""
    command = [sys.executable, "-m", "benchmarks", "client", "--play", name]
    command += ["--folder", str(folder), "--port", str(port)]
    command += ["--pushes", str(given.pushes), "--at-once", str(given.at_once)]
    done = subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return json.loads(done.stdout)


def h2load(port: int, given: argparse.Namespace) -> int | None:
    """What HTTP/2 in C gets over one connection; None without h2load."""
    if shutil.which("h2load") is None:
        return None
    command = ["h2load", "-n", str(given.pushes * 3), "-c", "1"]
    command += ["-m", str(given.at_once), f"https://127.0.0.1:{port}/3/device/{TOKEN}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    line = next(one for one in done.stdout.splitlines() if "finished in" in one)
    return round(float(line.split(",")[1].split()[0]))


def play(given: argparse.Namespace) -> dict:
    """Send all pushes, so many at once; figures of this process."""
    peer = client_peers.installed().get(given.play)
    if peer is not None:
        return peer(given, TOKEN, TOPIC, payload())
    identity = make_identity(given.folder / "apns")
    return asyncio.run(_play(PLAYERS[given.play](identity, given.port), given))


async def _play(send: Callable[[], Awaitable[bool]], given: argparse.Namespace) -> dict:
    waits: list[float] = []
    left = given.pushes

    async def sender() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            started = time.perf_counter()
            assert await send(), "the sink refused a push"
            waits.append(time.perf_counter() - started)

    await send()  # the connection is made before the clock starts
    cpu, started = cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(given.at_once)))
    seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu
    waits.sort()
    return {
        "per_second": given.pushes / seconds,
        "cpu_us": cpu / given.pushes * 1e6,
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
    }


def cpu_seconds() -> float:
    """CPU time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def payload() -> dict:
    """What a call's push holds."""
    values = Values(
        call_id="3e1f3c8a", instance_id="urn:uuid:1", from_uri="sip:ann@example.org",
        display_name="Ann", sent_at=datetime.now(UTC), ttl=30, contact="",
    )  # fmt: skip
    return filled(DEFAULTS["call"], "call", values)


def ours(identity: Identity, port: int) -> Callable[[], Awaitable[bool]]:
    """`notifications.apns`, each push made anew as delivery does."""
    key = Key(identity.team_id, identity.key_id, identity.key_pem)
    client = Client(key, Server("localhost", port, identity.ca_pem))
    said, life = payload(), datetime.now(UTC) + timedelta(hours=1)

    async def send() -> bool:
        push = ApnsPush(
            token=TOKEN, topic=TOPIC, push_type="voip", priority=10, expiration=life,
            apns_id=str(uuid.uuid4()), collapse_id="", payload=said,
        )  # fmt: skip
        return (await client.send(push, 30)).outcome == Outcome.ACCEPTED

    return send


def stock(identity: Identity, port: int) -> Callable[[], Awaitable[bool]]:
    """aioapns as it is, pointed at the sink."""
    apns: list[APNs] = []

    def make() -> APNs:
        context = ssl.create_default_context(cadata=identity.ca_pem)
        context.set_alpn_protocols(["h2"])
        made = APNs(
            key=identity.key_pem, key_id=identity.key_id, team_id=identity.team_id,
            topic=TOPIC, ssl_context=context,
        )  # fmt: skip
        there = {"APNS_SERVER": "localhost", "APNS_PORT": port, "INACTIVITY_TIME": 3600}
        made.pool.protocol_class = type("Sink", (made.pool.protocol_class,), there)
        return made

    said = payload()

    async def send() -> bool:
        if not apns:
            apns.append(make())
        request = NotificationRequest(
            device_token=TOKEN, message=said, notification_id=str(uuid.uuid4()),
            time_to_live=30, priority=10, push_type=PushType.VOIP,
        )  # fmt: skip
        return (await apns[0].send_notification(request)).is_successful

    return send


PLAYERS = {"pushdash": ours, "aioapns": stock}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
