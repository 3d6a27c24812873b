"""HEP packets a second that `listen_hep` takes over UDP and stores, without losing one.

One in ten is a REGISTER of a phone of its own, one in ten its answer; the others are of a
monitor. Every REGISTER must become a row, and neither kernel nor queue may drop a packet.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import psycopg

from benchmarks.memory import held_mb
from benchmarks.private_services import ROOT, make_tables, run_alone
from pushdash.management.commands.up import free_port
from tests.hep import answer, hep3, noise, register

#: Packets are sent in so many portions a second.
PORTIONS = 200
#: After the last packet its row must come within this.
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent: packets, REGISTERs among them, and seconds it took."""

    packets: int
    registers: int
    seconds: float


def main(arguments: list[str]) -> int:
    """Prints one JSON line; 1 when a packet was lost."""
    parser = argparse.ArgumentParser("bin/bench hep", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=10_000, help="packets a second")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.inside:
        return run_alone("benchmarks.hep", arguments)
    make_tables()
    row = measure(options.rate, options.seconds)
    sys.stdout.write(json.dumps(row) + "\n")
    return int(bool(row["refused"]) or row["stored"] != row["registers"])


def measure(rate: int, seconds: int) -> dict:
    """A listener of its own under that load."""
    port = free_port()
    with listener(port) as process, database() as session:
        sent = pump(port, rate, seconds)
        ended = time.monotonic()
        while _stored(session) < sent.registers and (
            time.monotonic() - ended < PATIENCE_SECONDS
        ):
            time.sleep(0.1)
        lag = time.monotonic() - ended
        # What was dropped is counted every second.
        time.sleep(2)
        (refused,) = session.execute(
            "SELECT refused FROM registrations_feed"
        ).fetchone()
        peak_mb = held_mb(process.pid)
        process.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        return {
            "bench": "hep",
            "packets": sent.packets,
            "seconds": round(sent.seconds, 1),
            "packets_per_second": round(sent.packets / sent.seconds),
            "registers": sent.registers,
            "stored": _stored(session),
            "refused": refused,
            "seconds_behind_at_the_end": round(lag, 1),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
            "peak_mb": round(peak_mb),
        }


def pump(port: int, rate: int, seconds: int) -> Sent:
    """Send to a port of this machine at an even pace."""
    quiet = [noise(number) for number in range(100)]
    started, packets, registers = time.monotonic(), 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect(("127.0.0.1", port))
        for portion in count(1):
            now = datetime.now(UTC)
            for _ in range(rate // PORTIONS):
                kind = packets % 10
                if kind == 0:
                    registers += 1
                    link.send(hep3(register(registers), now))
                elif kind == 5:
                    link.send(hep3(answer(registers), now, source="198.51.100.1"))
                else:
                    link.send(hep3(quiet[packets % 100], now))
                packets += 1
            if portion == seconds * PORTIONS:
                break
            due = started + portion / PORTIONS
            time.sleep(max(0.0, due - time.monotonic()))
    elapsed = time.monotonic() - started
    return Sent(packets=packets, registers=registers, seconds=elapsed)


@contextmanager
def listener(port: int) -> Iterator[subprocess.Popen]:
    """`listen_hep`, as soon as it receives."""
    command = [sys.executable, "manage.py", "listen_hep", "--udp", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        with database() as session:
            while not _is_open(session) and process.poll() is None:
                time.sleep(0.1)
        time.sleep(0.5)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


def database() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def _is_open(session: psycopg.Connection) -> bool:
    query = "SELECT count(*) FROM registrations_feed WHERE followed"
    return bool(session.execute(query).fetchone()[0])


def _stored(session: psycopg.Connection) -> int:
    query = "SELECT count(*) FROM registrations_registration"
    return session.execute(query).fetchone()[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
