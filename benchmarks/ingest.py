"""REGISTERs a second into PostgreSQL with a large fleet present: read, parse, upsert,
history, commit. Against two floors of the same run: reading and parsing the same file, and a
plain COPY of the history rows it makes.

    bin/bench ingest --devices 1000000 --registers 200000
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks import fleet_log
from benchmarks.private_services import ROOT, make_tables, run_alone
from pushdash import private


def main(arguments: list[str]) -> int:
    """0; every bar is read off the lines."""
    parser = argparse.ArgumentParser(prog="bin/bench ingest", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--registers", type=int, default=200_000)
    parser.add_argument("--profile", action="store_true", help="cProfile of one run")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.inside:
        return run_alone("benchmarks.ingest", arguments)
    make_tables()
    with TemporaryDirectory(prefix="pushdash-logs-") as folder:
        for row in Bench(Path(folder), options).rows():
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
    return 0


def manage(*words: str) -> list[str]:
    return [sys.executable, "manage.py", *words]


class Bench:
    """The measurements, in the order they are printed."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._folder, self._options = folder, options
        self._start = datetime.now(UTC).replace(second=0, microsecond=0)
        self._start -= timedelta(hours=6)
        self._logs = 0

    def rows(self) -> Iterator[dict]:
        """One object a result."""
        devices, registers = self._options.devices, self._options.registers
        yield {"bench": "ingest.fleet", "devices": devices} | timed(self._make_fleet)
        path, count = self._log(registers)
        if self._options.profile:
            self._profile(path)
            return
        parse = run(manage("parse", "--summary", str(path)))
        whole = run(manage("ingest", "--feed", "one", str(path)))
        yield result("refresh", count, whole) | {
            "parse_cpu_seconds": round(parse.own_cpu, 2),
            "times_parse": round((whole.own_cpu + whole.server_cpu) / parse.own_cpu, 2),
        }
        yield from self._floor(count, whole)
        yield from self._challenged(registers // 2)
        yield from self._linear(registers)
        yield from self._two(registers // 2)

    def _floor(self, count: int, whole: Cost) -> Iterator[dict]:
        started = server_cpu()
        copy_history()
        time.sleep(0.2)
        copy = server_cpu() - started
        yield {
            "bench": "ingest.copy_floor",
            "rows": 2 * count,
            "server_cpu_seconds": round(copy, 2),
            "times_copy": round(whole.server_cpu / copy, 2),
        }

    def _challenged(self, registers: int) -> Iterator[dict]:
        """Every registration with its 401 round, as real phones do it."""
        path, count = self._log(registers, challenged=1.0)
        cost = run(manage("ingest", "--feed", "challenged", str(path)))
        yield result("challenged", count, cost)

    def _linear(self, registers: int) -> Iterator[dict]:
        """The same work in files of a quarter and of the whole: cost of a REGISTER."""
        each = []
        for share in (4, 1):
            path, count = self._log(registers // share)
            cost = run(manage("ingest", "--feed", f"linear{share}", str(path)))
            each.append((cost.own_cpu + cost.server_cpu) / count * 1e6)
        yield {
            "bench": "ingest.linear",
            "cpu_microseconds_each_in_a_quarter": round(each[0], 1),
            "cpu_microseconds_each_in_all": round(each[1], 1),
            "ratio": round(each[1] / each[0], 2),
        }

    def _two(self, registers: int) -> Iterator[dict]:
        """Two processes on two files against one process on one of them."""
        paths = [self._log(registers)[0] for _ in range(3)]
        one = run(manage("ingest", "--feed", "two0", str(paths[0])))
        started = time.monotonic()
        both = [
            subprocess.Popen(
                manage("ingest", "--feed", f"two{n}", str(paths[n])),
                cwd=ROOT,
                stderr=subprocess.DEVNULL,
            )
            for n in (1, 2)
        ]
        codes = [process.wait() for process in both]
        seconds = time.monotonic() - started
        if any(codes):
            raise SystemExit(f"a reader failed: {codes}")
        yield {
            "bench": "ingest.two_processes",
            "cores": os.cpu_count(),
            "one_seconds": round(one.seconds, 2),
            "two_seconds": round(seconds, 2),
            "times_one": round(2 * one.seconds / seconds, 2),
        }

    def _log(self, registers: int, **shape: float) -> tuple[Path, int]:
        path = self._folder / f"flexisip-{self._logs}.log"
        # Each log goes on where the one before ended: nothing in it is late.
        self._start += timedelta(minutes=10)
        self._logs += 1
        count = fleet_log.write(
            path,
            registers,
            self._options.devices,
            self._start,
            fleet_log.Shape(seed=self._logs, **shape),
        )
        return path, count

    def _make_fleet(self) -> None:
        url = os.environ["DATABASE_URL"]
        fleet_log.fill(url, self._options.devices, self._start)

    def _profile(self, path: Path) -> None:
        words = ["-m", "cProfile", "-s", "tottime", *manage("ingest", str(path))[1:]]
        subprocess.run([sys.executable, *words], cwd=ROOT, check=True)


def result(name: str, registers: int, cost: Cost) -> dict:
    """One reading as a row; where the cores are free, the wall says what is reached."""
    cpu = cost.own_cpu + cost.server_cpu
    return {
        "bench": f"ingest.{name}",
        "registers": registers,
        "seconds": round(cost.seconds, 2),
        "registers_per_second": round(registers / cost.seconds),
        "own_cpu_seconds": round(cost.own_cpu, 2),
        "server_cpu_seconds": round(cost.server_cpu, 2),
        "registers_per_cpu_second": round(registers / cpu),
    }


def timed(act: Callable[[], None]) -> dict:
    started = time.monotonic()
    act()
    return {"seconds": round(time.monotonic() - started, 2)}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took: seconds by the wall, and of a core in it and in PostgreSQL.

    On a machine that others use too only the last two can be compared.
    """

    seconds: float
    own_cpu: float
    server_cpu: float


def run(command: list[str]) -> Cost:
    """Run one command to its end."""
    started, server = time.monotonic(), server_cpu()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    seconds = time.monotonic() - started
    time.sleep(0.2)  # its backend is gone, and counted
    own = usage.ru_utime + usage.ru_stime
    return Cost(seconds, own, server_cpu() - server)


def server_cpu() -> float:
    """Seconds of a core that PostgreSQL's ended backends have used so far."""
    pid = (private.var_dir(ROOT) / "postgres/postmaster.pid").read_text().split()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # proc(5): cutime and cstime are fields 16 and 17 of all.
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def database():
    """A session of the private PostgreSQL."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as session:
        yield session


def copy_history() -> None:
    """COPY of what was ingested into two plain tables: the least the server can do."""
    with database() as session:
        for table in ("registrations_registration", "registrations_sighting"):
            session.execute(f"CREATE TABLE floor (LIKE {table})")
            _copy_over(table)
            session.execute("DROP TABLE floor")


def _copy_over(table: str) -> None:
    with database() as reading, database() as writing:
        source = reading.cursor().copy(
            f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT BINARY)"
        )
        target = writing.cursor().copy("COPY floor FROM STDIN (FORMAT BINARY)")
        with source as rows, target as out:
            for data in rows:
                out.write(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
