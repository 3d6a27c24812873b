"""A time by the clock in a query: which stretch it is, by whose clock, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from notifications import exports
from notifications.clocks import WrongClock, around, read_clock
from notifications.models import AuditEntry, Push, Refusal
from notifications.terms import When, read_query
from tests import factories
from tests.notifications import people

NOW = datetime(2026, 11, 29, 15, 30, tzinfo=UTC)


def stretch(text: str, now: datetime = NOW) -> str:
    found = read_clock(text).stretch(now)
    return f"{found.since:%d %H:%M:%S} {found.until:%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("14:02", "29 14:02:00 29 14:03:00"),
        ("9:05", "29 09:05:00 29 09:06:00"),
        ("14:02:30", "29 14:02:30 29 14:02:31"),
        ("16:00", "28 16:00:00 28 16:01:00"),
        ("15:30", "29 15:30:00 29 15:31:00"),
        ("14:02..14:30", "29 14:02:00 29 14:31:00"),
        ("14:02..14:02", "29 14:02:00 29 14:03:00"),
        ("14:02:30..14:02", "29 14:02:30 29 14:03:00"),
        ("23:50..00:10", "28 23:50:00 29 00:11:00"),
        ("2026-11-20", "20 00:00:00 21 00:00:00"),
        ("2026-11-20t14:02", "20 14:02:00 20 14:03:00"),
        ("2026-11-20T14:02..14:30", "20 14:02:00 20 14:31:00"),
        ("2026-11-20T23:50..00:10", "20 23:50:00 21 00:11:00"),
        ("2026-11-20..2026-11-21", "20 00:00:00 22 00:00:00"),
        ("2026-11-20T14:02..2026-11-20", "20 14:02:00 21 00:00:00"),
    ],
)
def test_a_time_is_its_minute_its_second_its_day_or_a_span_of_them(text, told):
    assert stretch(text) == told


def test_it_is_by_the_clock_of_the_reader():
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        # In Tokyo it is half past midnight.
        assert stretch("00:10") == "29 15:10:00 29 15:11:00"
        assert stretch("14:02") == "29 05:02:00 29 05:03:00"
        assert stretch("2026-11-29T14:02") == "29 05:02:00 29 05:03:00"


def test_an_hour_that_comes_twice_is_shown_whole():
    with timezone.override(ZoneInfo("Europe/Paris")):
        # On 25 October 2026 at 3:00 clocks went back to 2:00.
        assert stretch("2026-10-25T02:30") == "25 00:30:00 25 01:31:00"


def test_an_hour_that_never_was_gives_no_stretch_that_ends_before_it_begins():
    with timezone.override(ZoneInfo("Europe/Paris")):
        # On 29 March 2026 at 2:00 clocks went forward to 3:00.
        found = read_clock("2026-03-29T02:59..03:00").stretch(NOW)
        assert found.since < found.until


@pytest.mark.parametrize("text", ["", "soon", "<24h", "14", "14:2", "..", "14:02.."])
def test_what_looks_like_no_time_is_none(text):
    assert read_clock(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("25:00", "knows no time 25:00"),
        ("2026-02-30", "knows no time 2026-02-30"),
        ("1969-01-01", "takes days from 1970-01-03 to 2199-12-29"),
        ("14:02..2026-11-29", "wants the day in front"),
        ("2026-11-29..2026-11-28", "ends before it begins"),
    ],
)
def test_a_time_that_is_wrong_is_told_why(text, told):
    with pytest.raises(WrongClock, match=told):
        read_clock(text)


@given(st.text(alphabet="0123456789-:.T", max_size=45))
def test_any_text_is_a_stretch_or_none_or_wrong(text):
    try:
        found = read_clock(text)
    except WrongClock:
        return
    if found is not None:
        assert found.stretch(NOW).since < found.stretch(NOW).until


def test_several_times_reach_from_the_first_to_the_last():
    found = around([read_clock("15:00"), read_clock("14:02")], NOW)
    assert (found.since, found.until) == (
        NOW.replace(hour=14, minute=2),
        NOW.replace(hour=15, minute=1),
    )
    assert not around([], NOW)


def test_a_query_says_what_a_time_may_be():
    known = {"at": When({})}
    (fault,) = read_query("at:soon", known).faults
    assert fault == (
        "at:soon: at takes an age, as <24h or >7d (m, h, d, w), or a time, as 14:02,"
        " 14:02..14:30 or 2026-11-29T14:02"
    )
    (fault,) = read_query("at:25:00", known).faults
    assert fault == "at:25:00: at knows no time 25:00"
    assert read_query("at:14:02 -at:15:00", known).clocks == (read_clock("14:02"),)


@pytest.fixture
def days(db) -> list[Push]:
    """Failed pushes of yesterday, and of a week ago, both at noon and a half."""
    today = timezone.now().replace(hour=12, minute=0, second=30, microsecond=0)
    found = []
    for day in (1, 8):
        moment = today - timedelta(days=day)
        push = factories.accepted_push(
            factories.registered_device(), moment, state="rejected"
        )
        Push.objects.filter(pk=push.pk).update(created_at=moment, ended_at=moment)
        found.append(push)
    return found


def at_noon(days_ago: int) -> str:
    day = timezone.now() - timedelta(days=days_ago)
    return f"at:{day:%Y-%m-%d}T12:00"


def listed(path: str, **asked: str):
    return people.browser_of("admin").get(f"{path}?{urlencode(asked)}").context["list"]


def test_a_time_in_the_query_stands_in_the_place_of_the_span(days):
    yesterday, earlier = days
    page = listed("/pushes/", q=at_noon(8))
    assert [row.row.push for row in page.rows] == [earlier]
    assert (page.span, page.kept_span) == ("", "24h")
    assert page.stretch.until - page.stretch.since == timedelta(minutes=1)
    assert [(chip.name, chip.without) for chip in page.chips] == [("At", "")]
    both = listed("/pushes/", q=f"{at_noon(8)} {at_noon(1)}")
    assert [row.row.push for row in both.rows] == [yesterday, earlier]
    assert listed("/pushes/", q=f"{at_noon(8)} at:<24h").rows == []
    ranged = {"from": f"{timezone.now() - timedelta(days=2):%Y-%m-%d}"}
    assert listed("/pushes/", q=at_noon(8), **ranged).rows == []


def test_the_span_that_was_chosen_is_kept_for_when_the_time_is_gone(days):
    page = listed("/pushes/", q=at_noon(8), span="7d")
    assert page.kept_span == "7d"
    assert "span=7d" in page.address
    assert page.chips[0].without == "span=7d"


def test_failures_are_found_by_when_they_ended(days):
    push = days[1]
    Push.objects.filter(pk=push.pk).update(
        created_at=push.created_at - timedelta(minutes=3)
    )
    page = listed("/failures/", q=at_noon(8), tab="deliveries")
    assert [row.push for row in page.page.rows] == [push]
    assert listed("/failures/", q=at_noon(8)).told.reasons[0].number == 1
    asked = {"q": at_noon(8)}
    files = (exports.LISTS[name].rows(asked, timezone.now()) for name in EXPORTED)
    for found in files:
        assert [row[1] for some in found for row in some] == [str(push.pk)]


EXPORTED = ("failed", "failures")


def test_the_activity_and_refused_requests_of_a_time(days):
    moment = days[1].ended_at
    AuditEntry.objects.create(at=moment, actor_name="mira", action="push.resend")
    Refusal.objects.create(
        door="api",
        status=422,
        address="192.0.2.9",
        asked={},
        fingerprint="1",
        number=1,
        first_at=moment,
        at=moment,
    )
    assert len(listed("/audit/", q=at_noon(8)).entries.page.rows) == 1
    assert listed("/audit/", q=at_noon(9)).entries.page.rows == []
    for tab in ("activity", "refused"):
        assert len(listed("/failures/", tab=tab, q=at_noon(8)).page.rows) == 1
        assert listed("/failures/", tab=tab, q=at_noon(9)).page.rows == []
    for name in ("audit", "refused"):
        found = exports.LISTS[name].rows({"q": at_noon(8)}, timezone.now())
        assert len([row for some in found for row in some]) == 1


def test_devices_are_found_by_when_they_were_seen(db):
    device = factories.registered_device()
    device.last_seen_at = NOW
    device.save(update_fields=["last_seen_at"])
    for q, number in (("seen:2026-11-29T15:30", 1), ("seen:2026-11-29T15:29", 0)):
        assert len(listed("/devices/", q=q).rows) == number


def test_the_page_shows_which_time_it_is(days):
    text = people.browser_of("ops").get(f"/pushes/?q={at_noon(8)}").content.decode()
    day = timezone.now() - timedelta(days=8)
    assert f'<span class="num">{day.day} {day:%b} 12:00</span>' in text
    assert 'data-term="at:"' in text
