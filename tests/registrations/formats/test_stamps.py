"""Time stamps that name no year: the year a log begins in, or the one its file tells."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from registrations.formats.stamps import ISO, WITHOUT_YEAR, Stamps, Years
from registrations.formats.syslog import Syslog


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


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("Mon 2026-11-23 20:51:41 CET", "2026-11-23 19:51:41"),
        # The hour that a clock set back shows twice.
        ("Sun 2026-10-25 02:30:00 CEST", "2026-10-25 00:30:00"),
        ("Sun 2026-10-25 02:30:00 CET", "2026-10-25 01:30:00"),
        ("Mon 2026-11-23 20:51:41 GMT", "2026-11-23 20:51:41"),
        ("Mon 2026-11-23 20:51:41 -03", "2026-11-23 23:51:41"),
        ("Mon 2026-11-23 20:51:41.250000 +0530", "2026-11-23 15:21:41.250000"),
        # None of the zone's, or not at that time.
        ("Mon 2026-11-23 20:51:41 CST", None),
        ("Mon 2026-11-23 20:51:41 CEST", None),
    ],
)
def test_a_zone_by_its_abbreviation_is_that_of_the_setting_or_unknown(stamp, utc):
    paris = Stamps(ZoneInfo("Europe/Paris"))
    at = Syslog(paris).moment(f"{stamp} vm kamailio[43]: INFO: up".encode())
    assert at == (utc and datetime.fromisoformat(utc).replace(tzinfo=UTC))
    assert paris.unknown == (set() if utc else {stamp[-4:].strip()})


def test_an_abbreviation_of_the_machines_own_zone_is_known():
    local = datetime(2026, 11, 23, 20, 51, 41).astimezone()
    found = ISO.match(b"2026-11-23 20:51:41")
    assert Stamps().iso(found, local.tzname()) == local


@pytest.mark.parametrize(
    "line",
    [
        "2026 Nov 23 19:51:41 vm kamailio[43]: up",
        "Mon 2026-11-23 19:51:41 UTC vm kamailio[43]: up",
        "2026-11-23T19:51:41Z vm local0.info kamailio[43]: up",
        "1 2026-11-23T19:51:41Z vm kamailio 43 - - up",
        "<134>1 2026-11-23T19:51:41Z vm kamailio 43 - - up",
    ],
)
def test_syslogs_prefix_has_many_shapes(line):
    syslog = Syslog(Stamps(UTC))
    assert syslog.moment(line.encode()) == datetime(
        2026, 11, 23, 19, 51, 41, tzinfo=UTC
    )
    assert syslog.unwrap(line.encode()).text == b"up"


@pytest.mark.parametrize("rest", [b"+0MM0:00", b"+0", b"-", b"\xff", b"+1\xc3", b"CET"])
def test_what_is_no_zone_behind_a_stamp_stops_nothing(rest):
    line = b"<134>1 2026-11-23T19:51:41%b vm kamailio 43 - - up" % rest
    at = Syslog(Stamps(UTC)).moment(line)
    assert at == datetime(2026, 11, 23, 19, 51, 41, tzinfo=UTC)
