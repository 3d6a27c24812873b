"""kill -9 of a follower again and again while its log is written and rotated: the rows at the
end equal those of an undisturbed run, and nothing is there twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks import fleet_log
from benchmarks.private_services import ROOT, make_tables, run_alone
from benchmarks.rotating_log import RotatingLog

#: A follower lives up to so long, its start (1 s) included.
LONGEST_LIFE = 4.0
#: A follower that has nothing new for so long is at the end.
QUIET_SECONDS = 20
#: What must be equal. Not keys, files, positions, or what tells of the reading itself.
ROWS = {
    "devices": """
        SELECT identity, contact, user_agent, bound, expires_at, last_registered_at,
            first_seen_at, last_seen_at, assumed, accepted, call_id, cseq, problems::text,
            refusal::text FROM registrations_device""",
    "tokens": """
        SELECT environment, bundle_id, kind, token, first_seen_at, last_registered_at
        FROM registrations_pushtoken""",
    "holdings": """
        SELECT d.identity, t.kind, t.token, h.current, h.since, h.until, h.missing_since
        FROM registrations_holding h JOIN registrations_device d ON d.id = h.device_id
        JOIN registrations_pushtoken t ON t.id = h.token_id""",
    "registrations": """
        SELECT d.identity, r.kind, r.moment, r.call_id, r.cseq, r.expires, r.assumed,
            r.fingerprint, r.line, r.estimated
        FROM registrations_registration r JOIN registrations_device d ON d.id = r.device_id
        """,
    "sightings": """
        SELECT d.identity, t.token, s.kind, s.code, s.moment, s.call_id, s.line
        FROM registrations_sighting s JOIN registrations_device d ON d.id = s.device_id
        LEFT JOIN registrations_pushtoken t ON t.id = s.token_id""",
    "events": """
        SELECT d.identity, t.token, e.kind, e.moment, e.before::text, e.after::text
        FROM registrations_deviceevent e JOIN registrations_device d ON d.id = e.device_id
        LEFT JOIN registrations_pushtoken t ON t.id = e.token_id""",
    "rejected": "SELECT moment, rule, detail, excerpt FROM registrations_rejected",
    "inbox": "SELECT rule, app, count FROM registrations_malformed",
    "feed": "SELECT seen_until, register_count, rejected_count FROM registrations_feed",
}


def main(arguments: list[str]) -> int:
    """1 when a row differs or is there twice."""
    parser = argparse.ArgumentParser(prog="bin/bench kill-ingest", description=__doc__)
    parser.add_argument("--registers", type=int, default=202_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rotations", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        return run_alone("benchmarks.kill_ingest", arguments)
    make_tables()
    with TemporaryDirectory(prefix="pushdash-logs-") as folder:
        result = Trial(Path(folder), given).run()
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["ok"] else 1


def manage(*words: str) -> list[str]:
    return [sys.executable, "manage.py", *words]


class Trial:
    """The disturbed run, the undisturbed one, and what differs."""

    def __init__(self, folder: Path, given: argparse.Namespace) -> None:
        self._folder, self._given = folder, given
        self._dice = random.Random(given.seed)
        self._start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)

    def run(self) -> dict:
        given = self._given
        count = sum(1 for _ in self._texts())
        log = RotatingLog(
            self._folder / "proxy.log",
            self._texts(),
            pace=count / (given.kills * LONGEST_LIFE / 2),
            share=max(1, count // (given.rotations + 1)),
            seed=given.seed,
        )
        self._first_follower(log)
        log.start()
        early = self._kill(given.kills)
        disturbed = self._finish(log, count)
        undisturbed = self._undisturbed()
        wrong = {name: differences(disturbed[name], undisturbed[name]) for name in ROWS}
        wrong = {name: found for name, found in wrong.items() if found}
        twice = sum(n - 1 for n in disturbed["registrations"].values())
        return {
            "bench": "kill_ingest",
            "registers": count,
            "kills": given.kills,
            "kills_amid_reading": given.kills - early,
            "rotations": dict(log.rotations),
            **{name: rows.total() for name, rows in disturbed.items()},
            "twice": twice,
            "wrong": wrong,
            "ok": not wrong and not twice and disturbed["registrations"].total() > 0,
        }

    def _texts(self) -> Iterator[str]:
        given = self._given
        shape = fleet_log.Shape(challenged=0.2, changed=0.1, seed=given.seed)
        # Few enough phones that most come again, with new ports and after their 401 round.
        phones = max(10, given.registers // 10)
        registers = round(given.registers / (1 + shape.challenged))
        return fleet_log.exchanges(registers, phones, self._start, shape)

    def _first_follower(self, log: RotatingLog) -> None:
        """A log is followed from its first opening on: wait for that."""
        log.write_first()
        process = self._follow()
        while not opened():
            if process.poll() is not None:
                raise SystemExit(f"no follower: {process.returncode}")
            time.sleep(0.05)
        process.kill()
        process.wait()

    def _kill(self, kills: int) -> int:
        """Start and kill; how many died before they had read anything."""
        early = 0
        for _ in range(kills):
            before = read_so_far()
            process = self._follow()
            time.sleep(self._dice.uniform(0.5, LONGEST_LIFE))
            if process.poll() is not None:
                raise SystemExit(f"the follower ended by itself: {process.returncode}")
            process.kill()
            process.wait()
            early += read_so_far() == before
        return early

    def _follow(self) -> subprocess.Popen:
        words = ("ingest", "--follow", "--feed", "proxy", "proxy.log")
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        return subprocess.Popen(command, cwd=self._folder, stderr=subprocess.DEVNULL)

    def _finish(self, log: RotatingLog, count: int) -> dict[str, Counter]:
        process, seen, seen_at = self._follow(), 0, time.monotonic()
        while log.is_alive() or seen < count:
            if process.poll() is not None or log.failure:
                break
            if time.monotonic() - seen_at > QUIET_SECONDS:
                break
            if read_so_far()[0] > seen:
                seen, seen_at = read_so_far()[0], time.monotonic()
            time.sleep(0.5)
        process.terminate()
        process.wait()
        return stored()

    def _undisturbed(self) -> dict[str, Counter]:
        empty()
        whole = self._folder / "whole.log"
        with whole.open("w", encoding="ascii") as out:
            out.writelines(self._texts())
        command = manage("ingest", "--feed", "proxy", str(whole))
        subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
        return stored()


def read_so_far() -> tuple[int, object]:
    """REGISTERs stored, and how far the log was read."""
    with database() as session:
        query = "SELECT register_count, seen_until FROM registrations_feed"
        return session.execute(query).fetchone() or (0, None)


def opened() -> bool:
    """Whether a file of the log was opened ever."""
    with database() as session:
        query = "SELECT EXISTS (SELECT FROM registrations_logfile)"
        return session.execute(query).fetchone()[0]


def stored() -> dict[str, Counter]:
    """The rows of each table, and how often each is there."""
    with database() as session:
        return {name: Counter(session.execute(query)) for name, query in ROWS.items()}


def differences(one: Counter, other: Counter) -> list[str]:
    """Some rows that only one of them has."""
    lost, added = other - one, one - other
    samples = [*(f"lost {row}" for row in lost), *(f"more {row}" for row in added)]
    return (
        [f"{lost.total()} lost, {added.total()} more", *samples[:3]] if samples else []
    )


def empty() -> None:
    """Forget everything, as before the first start."""
    with database() as session:
        session.execute(
            "TRUNCATE registrations_feed, registrations_device, registrations_pushtoken,"
            " registrations_registration, registrations_sighting CASCADE"
        )


def database() -> psycopg.Connection:
    """A session of the private PostgreSQL."""
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
