"""The simulated APNs of the delivery benches, as a process that can be killed.

What it receives and what it hands to phones it writes to a file before it answers: the file
outlives `kill -9`. `--trouble` is what it does to some requests.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import time
from collections import Counter
from pathlib import Path

from simulator.apns import ApnsServer
from simulator.checks import Request
from simulator.directory import Delivery, Entry
from simulator.faults import Fault, Faults
from simulator.tls import make_identity

#: trouble → the fault of a request by its number; None is no fault.
TROUBLES = {
    "none": lambda number: None,
    "goaway": lambda number: Fault("goaway") if number % 500 == 499 else None,
    "reset": lambda number: (
        Fault("drop", is_processed=number % 1000 == 999)
        if number % 500 == 499
        else None
    ),
    "storm": lambda number: (
        Fault("answer", status=503, body=b'{"reason":"ServiceUnavailable"}')
        if number % 1000 < 300
        else None
    ),
    "slow": lambda number: (
        Fault("delay", seconds=10.0) if number % 200 == 199 else None
    ),
}


class Scripted(Faults):
    """Each request's fault by its number, else the true answer after `seconds`."""

    def __init__(self, trouble: str, seconds: float) -> None:
        super().__init__()
        self._numbers, self._of = itertools.count(), TROUBLES[trouble]
        self._late = Fault("delay", seconds=seconds)

    def take(self) -> Fault:
        return self._of(next(self._numbers)) or self._late


class AnyToken:
    """A directory that knows every token and writes down what was delivered."""

    def __init__(self, file: int) -> None:
        self._file = file

    def find(self, token: str) -> Entry:
        return Entry(
            environment="production", bundle_id="org.example.bench", kind="voip"
        )

    def deliver(self, delivery: Delivery) -> None:
        os.write(self._file, f"d{delivery.apns_id}\n".encode())


class Sink(ApnsServer):
    """Writes down each whole request before anything else is done with it."""

    def __init__(self, file: int, *args, **options) -> None:
        super().__init__(AnyToken(file), *args, **options)
        self._file = file

    def note(self, request: Request) -> None:
        os.write(self._file, f"r{request.get('apns-id')}\n".encode())


def read(path: Path) -> tuple[Counter[str], Counter[str]]:
    """How often each apns-id was received whole, and how often handed to its phone."""
    received: Counter[str] = Counter()
    delivered: Counter[str] = Counter()
    for line in path.read_text().splitlines() if path.exists() else []:
        (received if line[0] == "r" else delivered)[line[1:]] += 1
    return received, delivered


def serve(arguments: list[str]) -> None:
    """Until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--answer-ms", type=int, default=40)
    parser.add_argument("--trouble", choices=TROUBLES, default="none")
    parser.add_argument("--clock-ahead", type=float, default=0.0, help="seconds")
    parser.add_argument("--strict", action="store_true")
    given = parser.parse_args(arguments)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    file = os.open(given.folder / "seen", flags, 0o600)
    sink = Sink(
        file,
        make_identity(given.folder / "apns"),
        faults=Scripted(given.trouble, given.answer_ms / 1000),
        clock=lambda: time.time() + given.clock_ahead,
        is_strict=given.strict,
    )
    asyncio.run(_serve(sink, given.port))


async def _serve(sink: Sink, port: int) -> None:
    await sink.start(port=port)
    await asyncio.Event().wait()
