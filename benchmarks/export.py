"""Export of the Devices, Pushes and Audit lists: rows a second, and whether memory stays flat.

Bar: memory flat, and 50,000 rows/s of devices. The floor is COPY of the bare table in the same
run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import django
from django.db import connection
from django.http import QueryDict

from benchmarks import fleet_log, page_rows
from benchmarks.memory import held_mb
from benchmarks.private_services import make_tables, run_alone
from registrations.long_running import take_short_turns

#: Growth of the process between the first tenth and the end that is still flat, in MB.
FLAT_MB = 10


@dataclass(frozen=True, slots=True)
class Table:
    """What a list is of, columns for the floor, and its bar in rows a second."""

    name: str
    columns: str
    bar: int


TABLES = {
    "devices": Table("registrations_device", "aor, instance_id, contact", 50_000),
    "pushes": Table("notifications_push", "id, call_id, state, created_at", 0),
    "audit": Table("notifications_auditentry", "at, actor_name, subject", 0),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One list: how many rows it must give, and how long COPY took."""

    name: str
    wanted: int
    floor: float
    now: datetime


def main(arguments: list[str]) -> int:
    """Prints a JSON line a form; 1 when a bar is missed."""
    parser = argparse.ArgumentParser("bin/bench export", description=__doc__)
    parser.add_argument("--list", choices=tuple(TABLES), default="devices")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.inside:
        return run_alone("benchmarks.export", arguments)
    django.setup()
    take_short_turns()  # as a web process does
    make_tables()
    now = datetime.now(UTC)
    fill(options.list, options.rows, now)
    with connection.cursor() as cursor:
        floor = copied(cursor, options.list)
        cursor.execute(f"SELECT count(*) FROM {TABLES[options.list].name}")
        (wanted,) = cursor.fetchone()
    asked = Asked(options.list, wanted, floor, now)
    rows = [measured(form, asked) for form in ("csv", "ndjson")]
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
    return int(not all(row["ok"] for row in rows))


def fill(name: str, rows: int, now: datetime) -> None:
    """So many rows of the list; of pushes and audit entries a house around them."""
    url = os.environ["DATABASE_URL"]
    if name == "devices":
        fleet_log.fill(url, rows, now)
        return
    partitions = importlib.import_module("registrations.partitions")
    partitions.ensure({day.date() for day in page_rows.days_before(now)})
    pushes = rows if name == "pushes" else 1_000
    audit = rows if name == "audit" else 1_000
    size = page_rows.Size(min(rows, 100_000), pushes, 0, audit)
    page_rows.fill(url, size, now)


def copied(cursor, name: str) -> float:
    """Seconds of COPY of some of the same columns."""
    started = time.monotonic()
    table = TABLES[name]
    query = f"COPY (SELECT {table.columns} FROM {table.name}) TO STDOUT"
    with cursor.connection.cursor().copy(query) as copy:
        for _ in copy:
            pass
    return time.monotonic() - started


def measured(form: str, asked: Asked) -> dict:
    """One export, thrown away piece by piece."""
    exports = importlib.import_module("notifications.exports")
    exported = exports.LISTS[asked.name]
    found = exported.rows(QueryDict("span=all"), asked.now)
    started, count, early = time.monotonic(), 0, 0.0
    for piece in exports.as_text(form, exported.columns, found):
        count += piece.count("\n")
        if not early and count >= asked.wanted / 10:
            early = held_mb()
    seconds = time.monotonic() - started
    grown = held_mb() - early
    rows = count - (form == "csv")
    is_fast = rows / seconds >= TABLES[asked.name].bar
    return {
        "bench": "export",
        "list": asked.name,
        "form": form,
        "rows": rows,
        "rows_per_second": round(rows / seconds),
        "ratio_to_copy": round(seconds / asked.floor, 1),
        "grown_mb": round(grown, 1),
        "ok": rows == asked.wanted and is_fast and grown <= FLAT_MB,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
