"""The processes of a running pushdash, in the order they start. One table, one place."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from pushdash import embedded

PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class Process:
    """One child of the supervisor. `stop`: the signal that ends it in order; `stops_last`:
    the others rest on it.
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None
    stop: str = "TERM"
    stops_last: bool = False


def manage(*arguments: str) -> list[str]:
    """A manage.py command line."""
    return [PYTHON, "manage.py", *arguments]


def services(var: Path, *, postgres: bool, redis: bool) -> list[Process]:
    """The private services that no URL replaces."""
    ending = {"cwd": "/", "stop": "INT", "stops_last": True}
    found = []
    if postgres:
        command = embedded.postgres_command(var)
        found.append(Process("postgres", command, **ending))
    if redis:
        command = embedded.redis_command(var)
        found.append(Process("redis", command, **ending))
    return found


def rehearsal(folder: Path, apns_port: int) -> list[Process]:
    """The demo's stage: an APNs server with phones behind it, their callers, their log."""
    log = folder / "flexisip-proxy.log"
    utc = {"TZ": "UTC"}
    simulator = [PYTHON, "-m", "simulator"]
    simulator += ["--folder", str(folder), "--log", str(log), "--port", str(apns_port)]
    follow = manage("ingest", "--follow", "--feed", "flexisip-demo", str(log))
    return [
        Process("simulator", simulator, utc),
        Process("ingest", follow, utc),
        Process("callers", manage("demo_calls", "--folder", str(folder)), utc),
    ]


def sources(*, hep: bool, registrar: bool) -> list[Process]:
    """What listens and watches; where and whom, the settings say to the commands
    themselves: a command line shows in `ps`, a registrar's URL holds its password.
    """
    found = []
    if hep:
        found.append(Process("hep", manage("listen_hep")))
    if registrar:
        found.append(Process("registrar", manage("watch_registrar")))
    return found


def product(host: str, port: int, var: Path) -> list[Process]:
    """The web server, workers, beat, and who stands in for these two."""
    celery = [PYTHON, "-m", "celery", "-A", "pushdash"]
    worker = [*celery, "worker", "--loglevel=INFO", "--without-gossip"]
    beat = [*celery, "beat", "--loglevel=WARNING", f"--schedule={var / 'beat'}"]
    web = [PYTHON, "-m", "uvicorn", "pushdash.asgi:application", "--no-access-log"]
    web += ["--host", host, "--port", str(port), "--ws", "websockets-sansio"]
    web += ["--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "3"]
    return [
        Process("web", web),
        Process("worker-voip", [*worker, "-Q", "voip", "-c", "1", "-n", "voip@%h"]),
        Process("worker", [*worker, "-Q", "bulk,settle", "-c", "2", "-n", "bulk@%h"]),
        Process("beat", [*beat, "--pidfile="]),
        Process("lookout", manage("lookout")),
    ]
