"""kill -9 of PostgreSQL while a follower reads: the rows at the end equal those of an
undisturbed run.

The follower's commits do not wait for the disk, so a crash takes the newest of them back:
rows and positions together. The bench says how many REGISTERs that were.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import fleet_log
from benchmarks.kill_ingest import ROWS, differences, empty, manage, read_so_far, stored
from benchmarks.private_services import ROOT, make_tables, run_unserved
from pushdash import embedded, private

#: The log is written in so many pieces between two crashes.
PIECES = 20
PIECE_SECONDS = 0.1
#: A follower that has nothing new for so long is at the end.
QUIET_SECONDS = 20
#: What is left of a crashed server keeps its memory for a moment.
START_SECONDS = 30


def main(arguments: list[str]) -> int:
    """1 when a row differs, or the follower did not live through it."""
    parser = argparse.ArgumentParser(prog="bin/bench crash-ingest", description=__doc__)
    parser.add_argument("--registers", type=int, default=60_000)
    parser.add_argument("--crashes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        return run_unserved("benchmarks.crash_ingest", arguments)
    server = Server(private.var_dir(ROOT))
    server.prepare()
    try:
        with TemporaryDirectory(prefix="pushdash-logs-") as folder:
            row = Trial(Path(folder), server, given).run()
    finally:
        server.stop()
    sys.stdout.write(json.dumps(row) + "\n")
    return 0 if row["ok"] else 1


class Server:
    """A PostgreSQL of our own, to be killed."""

    def __init__(self, var: Path) -> None:
        self._var = var
        self._process: subprocess.Popen | None = None

    def prepare(self) -> None:
        """Make the cluster and its tables."""
        embedded.prepare_postgres(self._var)
        self.start()
        embedded.create_database(self._var)
        # With both named no command starts services of its own.
        os.environ["DATABASE_URL"] = private.database_url(self._var)
        os.environ["REDIS_URL"] = private.redis_url(self._var)
        make_tables()

    def start(self) -> None:
        """Until it answers: what it had on disk is put in order first."""
        until = time.monotonic() + START_SECONDS
        while not embedded.postgres_is_up(self._var):
            if time.monotonic() > until:
                raise SystemExit("PostgreSQL does not start again")
            if self._process is None or self._process.poll() is not None:
                command = embedded.postgres_command(self._var)
                self._process = subprocess.Popen(
                    command, cwd="/", stderr=subprocess.DEVNULL
                )
            time.sleep(0.1)

    def crash(self) -> None:
        """The server's own end is that of all its sessions; nothing more is written."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """In order."""
        self._process.terminate()
        self._process.wait()


class Trial:
    """The disturbed run, the undisturbed one, and what differs."""

    def __init__(self, folder: Path, server: Server, given) -> None:
        self._folder, self._server, self._given = folder, server, given
        self._dice = random.Random(given.seed)
        shape = fleet_log.Shape(challenged=0.2, changed=0.1, seed=given.seed)
        phones = max(10, given.registers // 10)
        registers = round(given.registers / (1 + shape.challenged))
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        self._texts = list(fleet_log.exchanges(registers, phones, start, shape))
        self._log = folder / "proxy.log"

    def run(self) -> dict:
        count = len(self._texts)
        self._log.touch()
        follower = self._follow()
        lost = self._crash_amid(follower)
        self._finish(follower)
        disturbed = stored()
        has_lived = follower.poll() is None
        follower.terminate()
        follower.wait()
        undisturbed = self._undisturbed()
        wrong = {name: differences(disturbed[name], undisturbed[name]) for name in ROWS}
        wrong = {name: found for name, found in wrong.items() if found}
        return {
            "bench": "crash_ingest",
            "registers": count,
            "crashes": self._given.crashes,
            "crashes_that_took_back": sum(one > 0 for one in lost),
            "registers_taken_back": sum(lost),
            "follower_lived": has_lived,
            "wrong": wrong,
            "ok": not wrong and has_lived and disturbed["registrations"].total() > 0,
        }

    def _follow(self) -> subprocess.Popen:
        words = ("ingest", "--follow", "--feed", "proxy", str(self._log))
        return subprocess.Popen(manage(*words), cwd=ROOT, stderr=subprocess.DEVNULL)

    def _crash_amid(self, follower: subprocess.Popen) -> list[int]:
        """Write the log and crash; how many REGISTERs that were stored each one took back."""
        size = -(-len(self._texts) // (PIECES * (self._given.crashes + 1)))
        pieces = [
            "".join(self._texts[at : at + size])
            for at in range(0, len(self._texts), size)
        ]
        lost = []
        with self._log.open("a", encoding="ascii") as out:
            for number, piece in enumerate(pieces, 1):
                out.write(piece)
                out.flush()
                time.sleep(PIECE_SECONDS)
                if number % PIECES == 0 and len(lost) < self._given.crashes:
                    lost.append(self._crash())
        return lost

    def _crash(self) -> int:
        time.sleep(self._dice.uniform(0, 2 * PIECE_SECONDS))
        before = read_so_far()[0]
        self._server.crash()
        time.sleep(self._dice.uniform(0, 1))
        self._server.start()
        return max(0, before - read_so_far()[0])

    def _finish(self, follower: subprocess.Popen) -> None:
        seen, seen_at = 0, time.monotonic()
        while seen < len(self._texts) and follower.poll() is None:
            now, found = time.monotonic(), read_so_far()[0]
            if found > seen:
                seen, seen_at = found, now
            if now - seen_at > QUIET_SECONDS:
                return
            time.sleep(0.2)

    def _undisturbed(self) -> dict:
        empty()
        command = manage("ingest", "--feed", "proxy", str(self._log))
        subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
        return stored()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
