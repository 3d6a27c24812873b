"""The short form of `bin/bench ingest`: every line is there. Its times are not asserted."""

from __future__ import annotations

from benchmarks import ingest


def test_each_measurement_of_ingest_is_taken(printed):
    assert ingest.main(["--devices", "500", "--registers", "1200"]) == 0
    rows = {row["bench"]: row for row in printed()}
    assert list(rows) == [
        "ingest.fleet",
        "ingest.refresh",
        "ingest.copy_floor",
        "ingest.challenged",
        "ingest.linear",
        "ingest.two_processes",
    ]
    assert rows["ingest.refresh"]["registers"] == 1200
    assert rows["ingest.two_processes"]["times_one"] > 0
