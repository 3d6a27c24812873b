"""Time stamps that name no year: the year a log begins in, or the one its file tells."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registrations.formats.stamps import WITHOUT_YEAR, Stamps, Years


def read(stamps: Stamps, *texts: str) -> list[str]:
    found = (stamps.without_year(WITHOUT_YEAR.match(text.encode())) for text in texts)
    return [at and f"{at:%Y-%m-%d}" for at in found]


def stamps(first: int, newest: datetime | None = None) -> Stamps:
    return Stamps(UTC, lambda: datetime(2026, 12, 1, tzinfo=UTC), Years(first, newest))


def test_a_log_goes_on_over_new_year():
    days = "Nov 30 10:00:00", "Dec 31 23:59:59", "Jan  1 00:00:00", "Mar  4 10:00:00"
    told = stamps(2023)
    assert read(told, *days) == ["2023-11-30", "2023-12-31", "2024-01-01", "2024-03-04"]
    assert read(told, "Sep  1 10:00:00") == ["2024-09-01"]
    assert told.guessed == set()


def test_lines_in_disorder_around_new_year_keep_their_years():
    days = "Dec 31 23:59:59", "Jan  1 00:00:00", "Dec 31 23:59:58", "Jan  1 00:00:01"
    assert read(stamps(2024), *days) == [
        "2024-12-31",
        "2025-01-01",
        "2024-12-31",
        "2025-01-01",
    ]


def test_what_is_read_later_goes_on_where_reading_ended():
    newest = datetime(2024, 12, 30, tzinfo=UTC)
    assert read(stamps(2023, newest), "Jan  2 10:00:00") == ["2025-01-02"]


def test_a_day_that_the_year_does_not_have_is_no_moment():
    assert read(stamps(2023), "Feb 29 10:00:00", "Feb 28 10:00:00") == [
        None,
        "2023-02-28",
    ]


@pytest.mark.parametrize(
    ("text", "day"),
    [("Nov 30 10:00:00", "2026-11-30"), ("Dec  3 10:00:00", "2025-12-03")],
)
def test_what_nobody_told_is_guessed_and_noted(text, day):
    guessing = Stamps(UTC, lambda: datetime(2026, 12, 1, tzinfo=UTC))
    assert read(guessing, text) == [day]
    assert guessing.guessed == {int(day[:4])}
