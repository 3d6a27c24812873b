"""The rehearsal at wall-clock speed: a past if there is none, then APNs and its phones."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from simulator.apns import ApnsServer
from simulator.phone import IosRule
from simulator.stage import Stage
from simulator.tls import make_identity

#: A REGISTER stands in the log at most so long after its moment.
TICK_SECONDS = 0.1
ENVIRONMENTS = ("production", "sandbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Where and how large; `folder` keeps everything between two runs."""

    folder: Path
    log: Path
    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    hours: float = 6
    phones: int = 90
    threshold: int = 3


async def run(rehearsal: Rehearsal) -> None:
    """Until SIGTERM or SIGINT."""
    identity = make_identity(rehearsal.folder)
    stage = prepare(rehearsal, datetime.now(UTC))
    server = ApnsServer(stage, identity, ENVIRONMENTS)
    await server.start(rehearsal.host, rehearsal.port)
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, is_over.set)
    try:
        while not is_over.is_set():
            stage.tick(datetime.now(UTC))
            await asyncio.sleep(TICK_SECONDS)
    finally:
        await server.close()
        stage.tick(datetime.now(UTC))


def prepare(rehearsal: Rehearsal, now: datetime) -> Stage:
    """The fleet of the last run, else a new one with its past."""
    stage = Stage(rehearsal.folder, rehearsal.log)
    if stage.is_set:
        stage.take_up()
    else:
        stage.set_up(
            seed=rehearsal.seed,
            hours=rehearsal.hours,
            phones=rehearsal.phones,
            now=now,
            rule=IosRule(threshold=rehearsal.threshold),
        )
    return stage
