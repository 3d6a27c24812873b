"""Export of the Devices and Pushes lists: rows a second, and whether memory stays flat.

Bar: 50,000 rows/s with memory flat. The floor is COPY of the bare table in the same run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
from datetime import UTC, datetime

import django
from django.db import connection

from benchmarks import fleet_log
from benchmarks.private_services import make_tables, run_alone

#: Growth of the process between the first tenth and the end that is still flat, in MB.
FLAT_MB = 10


def main(arguments: list[str]) -> int:
    """Prints a JSON line a form; 1 when a bar is missed."""
    parser = argparse.ArgumentParser("bin/bench export", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.inside:
        return run_alone("benchmarks.export", arguments)
    django.setup()
    make_tables()
    wanted = options.devices
    now = datetime.now(UTC)
    fleet_log.fill(os.environ["DATABASE_URL"], wanted, now)
    with connection.cursor() as cursor:
        floor = copied(cursor)
    rows = [measured(form, wanted, floor, now) for form in ("csv", "ndjson")]
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
    return int(not all(row["ok"] for row in rows))


def copied(cursor) -> float:
    """Seconds of COPY of the same columns."""
    started = time.monotonic()
    query = (
        "COPY (SELECT aor, instance_id, contact FROM registrations_device) TO STDOUT"
    )
    with cursor.connection.cursor().copy(query) as copy:
        for _ in copy:
            pass
    return time.monotonic() - started


def measured(form: str, wanted: int, floor: float, now: datetime) -> dict:
    """One export, thrown away piece by piece."""
    exports = importlib.import_module("notifications.exports")
    devices = exports.LISTS["devices"]
    started, count, early = time.monotonic(), 0, 0.0
    for piece in exports.as_text(form, devices.columns, devices.rows({}, now)):
        count += piece.count("\n")
        if not early and count >= wanted / 10:
            early = held_mb()
    seconds = time.monotonic() - started
    grown = held_mb() - early
    rows = count - (form == "csv")
    return {
        "bench": "export",
        "form": form,
        "rows": rows,
        "rows_per_second": round(rows / seconds),
        "ratio_to_copy": round(seconds / floor, 1),
        "grown_mb": round(grown, 1),
        "ok": rows == wanted and rows / seconds >= 50_000 and grown <= FLAT_MB,
    }


def held_mb() -> float:
    """The most memory this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
