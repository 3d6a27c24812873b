"""Input that nobody should send, at full size: told, in bounded memory, and read past.

Each case stands between two good REGISTERs, in a log that `parse` reads; bodies that never end
go through what stands before the views. Memory is the most that the process held.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from pathlib import Path

from benchmarks.parse import timed_into
from pushdash.bodies import BodyCut, BodyLimit
from registrations.sources.httpbody import BodyRefused, unpacked

MOST_MB = 150
MEGABYTE = 1_000_000
HEAD = (
    b"REGISTER sip:example.org SIP/2.0\r\nTo: <sip:%b@example.org>\r\nCall-ID: %b\r\n"
    b"CSeq: 1 REGISTER\r\nContact: <sip:%b@192.0.2.1>\r\n"
)
END = b"Content-Length: 0\r\n\r\n"
PREFIXES = {
    "kamailio": b" 2(24850) INFO: <script>: RECEIVED REGISTER from udp:192.0.2.1:5060\n",
    "flexisip": b"2026-07-01 08:00:00:001 flexisip-debug-"
    b"Receiving new Request SIP message REGISTER from sip:x@example.org :\n",
    "asterisk": b"[2026-11-23 19:36:17.017] VERBOSE[22075] chan_sip.c: "
    b"<--- SIP read from UDP:192.0.2.1:5060 --->\n",
    "plain": b"",
}


def good(name: bytes, prefix: bytes) -> bytes:
    """One REGISTER as a log has it."""
    return prefix + HEAD % (name, name, name) + END


def hostile(size: int) -> dict[str, Callable[[bytes], Iterator[bytes]]]:
    """Case → what stands in the log, by the line before a message; of about `size` bytes."""
    seed = random.Random(5)
    block = seed.randbytes(MEGABYTE)
    half = HEAD % (b"half", b"half", b"half")
    contacts = b"".join(
        b"Contact: <sip:a%d@192.0.2.1>\r\n" % one for one in range(10_000)
    )
    megabytes = size // MEGABYTE
    return {
        "no newline": lambda _: repeat(b"x" * MEGABYTE, megabytes),
        "no newline, start lines": lambda _: repeat(b" SIP/2.0 x" * 100_000, megabytes),
        "NULs": lambda _: repeat(bytes(MEGABYTE), megabytes),
        "random bytes": lambda _: repeat(block, megabytes),
        "invalid UTF-8": lambda _: repeat(b"\xff\xfe\xc0\xaf\n" * 200_000, megabytes),
        # Each is told in a line of its own, so a tenth of them tells as much.
        "half messages": lambda prefix: repeat(prefix + half, size // 10 // len(half)),
        "a header without end": lambda prefix: iter(
            [prefix + half + b"X: ", *repeat(b"a" * MEGABYTE, megabytes)]
        ),
        "a header of 1 MB": lambda prefix: iter(
            [prefix + half + b"X: " + b"a" * MEGABYTE + b"\r\n" + END]
        ),
        "10,000 Contacts": lambda prefix: iter([prefix + half + contacts + END]),
    }


def logs(folder: Path, size: int, names: Iterable[str]) -> Iterator[dict]:
    """A row a case and log."""
    for case, made in hostile(size).items():
        for name in names:
            prefix = PREFIXES[name]
            log, out = folder / "hostile.log", folder / "out"
            with log.open("wb") as file:
                file.write(good(b"before", prefix))
                file.writelines(made(prefix))
                file.write(b"\n" + good(b"after", prefix) * 2)
            run = timed_into(out, [sys.executable, "manage.py", "parse", str(log)])
            ids, told = printed(out)
            yield {
                "case": f"{case}, {name}",
                "megabytes": round(log.stat().st_size / MEGABYTE, 1),
                "seconds": round(run.seconds, 2),
                "peak_mb": round(run.peak_mb),
                "told": dict(told),
                "is_read_on": ids[:1] == ["before"] and ids[-1:] == ["after"],
            }


def printed(out: Path) -> tuple[list[str], Counter[str]]:
    """The Call-IDs that `parse` printed, and the rules: how often."""
    ids: list[str] = []
    told: Counter[str] = Counter()
    with out.open() as lines:
        for row in map(json.loads, lines):
            if "call_id" in row:
                ids.append(row["call_id"])
            else:
                told[row["rule"]] += 1
    return ids, told


def bodies() -> Iterator[dict]:
    """Bodies that never end, plain and packed."""
    bomb = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    for case, refuse in (
        ("an HTTP body without end", lambda: asyncio.run(endless_body())),
        (
            "a packed HTTP body without end",
            lambda: unpacked(
                (bomb.compress(bytes(MEGABYTE)) for _ in repeat(0)), "gzip"
            ),
        ),
    ):
        tracemalloc.start()
        began, told = time.monotonic(), {}
        try:
            refuse()
        except (BodyCut, BodyRefused) as error:
            told = {str(error.status): 1}
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        yield {
            "case": case,
            "seconds": round(time.monotonic() - began, 2),
            "peak_mb": round(most / MEGABYTE),
            "told": told,
            "is_read_on": bool(told),
        }


async def endless_body() -> None:
    """What a view does with a body: read it all. Raises BodyCut."""

    async def view(scope, receive, send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def receive() -> dict:
        return {"type": "http.request", "body": bytes(65_536), "more_body": True}

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            raise BodyCut(message["status"])

    scope = {
        "type": "http",
        "path": "/api/v1/logs/proxy",
        "method": "POST",
        "headers": [],
    }
    await BodyLimit(view)(scope, receive, send)


def rows(folder: Path, size: int, names: Iterable[str] = PREFIXES) -> Iterator[dict]:
    """All of the named logs and the bodies, each with whether it holds."""
    for row in (*logs(folder, size, names), *bodies()):
        holds = row["is_read_on"] and row["peak_mb"] <= MOST_MB
        yield {"bench": "hostile", **row, "holds": holds}


def main(arguments: list[str]) -> int:
    """Prints one JSON line a case; 1 when one does not hold."""
    parser = argparse.ArgumentParser("bin/bench hostile", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    options = parser.parse_args(arguments)
    holds = True
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder), options.megabytes * MEGABYTE):
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
            holds = holds and row["holds"]
    return 0 if holds else 1
