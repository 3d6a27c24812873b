"""The short forms of `bin/bench risk-rows` and `bin/bench export`."""

from __future__ import annotations

import json

from benchmarks import export, risk_rows


def test_random_histories_through_postgresql_equal_the_pure_rules(capfd):
    assert risk_rows.main(["--histories", "5"]) == 0
    assert json.loads(capfd.readouterr().out.splitlines()[-1])["histories"] == 5


def test_an_export_has_a_line_for_each_device(capfd):
    export.main(["--devices", "3000"])
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()[-2:]]
    assert [row["form"] for row in rows] == ["csv", "ndjson"]
    assert all(row["rows"] == 3000 for row in rows)
