"""The short forms of `bin/bench risk-rows` and `bin/bench export`."""

from __future__ import annotations

import pytest

from benchmarks import export, risk_rows


def test_random_histories_through_postgresql_equal_the_pure_rules(printed):
    assert risk_rows.main(["--histories", "5"]) == 0
    assert printed()[-1]["histories"] == 5


@pytest.mark.parametrize("name", export.TABLES)
def test_an_export_has_a_line_for_each_row(printed, name):
    export.main(["--list", name, "--rows", "1000"])
    rows = printed()[-2:]
    assert [row["form"] for row in rows] == ["csv", "ndjson"]
    assert all(row["rows"] >= 1000 for row in rows)
