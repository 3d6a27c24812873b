"""The short form of `bin/bench pages`. Its times are not asserted: machines differ."""

from __future__ import annotations

from benchmarks import pages

QUICK = "--devices 300 --pushes 900 --registrations 3100 --pace 8 --seconds 3 --looks 3"


def test_every_page_is_read_from_the_server_and_by_a_browser(printed):
    pages.main(QUICK.split())
    *rows, whole = printed()
    assert {row["page"] for row in rows} >= {"live", "devices", "pushes", "failures"}
    assert all(row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] for row in rows)
    assert whole["requests"] == 24
    assert 0 < whole["most_queries"] <= 12
    assert 0 < max(whole["after_kb"].values()) < whole["first_kb"]
    assert all(paint > 0 for paint in whole["paint_ms"].values())


def test_a_page_that_is_slow_or_heavy_misses_the_bar():
    good = {
        "slowest_p95_ms": 149,
        "slowest_p99_ms": 399,
        "most_queries": 12,
        "first_kb": 249,
        "after_kb": {"live": 29},
        "paint_ms": {"live": 599},
    }
    assert pages.is_within(good)
    for name, bad in (
        ("slowest_p95_ms", 151),
        ("slowest_p99_ms", 401),
        ("most_queries", 13),
        ("first_kb", 251),
        ("after_kb", {"live": 12, "devices": 31}),
        ("paint_ms", {"live": 601}),
    ):
        assert not pages.is_within(good | {name: bad})
