"""The table of versions and phones: what stands together, what is said of few calls."""

from __future__ import annotations

from notifications.coverage import coverage
from notifications.heat import Cell, heat
from notifications.proportions import Tally
from notifications.waking import wakes


def test_versions_stand_by_number_and_the_rarest_together():
    counted = [
        ("App", f"6.{minor}", "iPhone 13", Tally(0, 100 + minor)) for minor in range(15)
    ]
    table = heat([*counted, ("App", "6.14", "", Tally(1, 5))])
    assert [row.version for row in table.rows[:3]] == ["6.14", "6.13", "6.12"]
    assert len(table.rows) == 13
    assert (table.rows[-1].name, table.rows[-1].total.tally.judged) == ("others", 303)
    assert table.columns == ["iPhone 13", "not said"]


def test_the_rarest_phones_stand_in_one_column():
    phones = [("App", "6.0", f"iPhone {n}", Tally(1, 10 + n)) for n in range(11, 20)]
    table = heat(phones)
    assert len(table.columns) == 7
    assert table.columns[-1] == "others"
    assert sum(cell.tally.judged for cell in table.rows[0].cells) == sum(
        one[3].judged for one in phones
    )


def test_a_share_of_few_calls_is_not_said():
    assert [Cell(Tally(10, 19)).level, Cell(Tally(10, 20)).level] == ["", "h4"]
    levels = [Cell(Tally(hits, 100)).level for hits in (0, 4, 5, 12, 25, 100)]
    assert levels == ["h1", "h1", "h2", "h3", "h4", "h4"]


def test_a_proxy_waits_for_99_of_100_in_steps_of_five_seconds():
    waits = [wakes("a", "1", {10: 98, p99: 2}).wait for p99 in (4, 50, 51, 270)]
    assert waits == [5, 5, 10, 30]
    assert wakes("a", "1", {10: 99}).wait is None


def test_quantiles_are_the_nearest_rank():
    one_each = dict.fromkeys(range(1, 101), 1)
    found = wakes("a", "1", one_each)
    assert (found.count, found.p50, found.p95, found.p99) == (100, 5.0, 9.5, 9.9)
    few = wakes("a", "1", {7: 1})
    assert (few.p50, few.p95, few.p99) == (0.7, None, None)


def test_without_a_push_there_is_no_coverage():
    assert coverage([]).percent is None
    assert coverage([("awaited", "", False, 3)]).percent is None


def test_one_push_without_proof_is_not_rounded_away():
    found = coverage(
        [("handled", "register", True, 2363), ("not_counted", "late", True, 2)]
    )
    assert found.percent == 99
