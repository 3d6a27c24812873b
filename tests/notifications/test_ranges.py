"""A stretch of time in an address: read by a clock, shown to all alike, told where wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from notifications import exports
from notifications.models import Push
from notifications.push_chart import SLOTS, chart_of
from notifications.ranges import Range, range_of
from tests import factories
from tests.notifications import people

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_a_moment_without_a_zone_is_by_the_clock_that_is_named():
    asked = {
        "from": "2026-11-29T14:02",
        "to": "2026-11-29T15:00:30",
        "zone": "Asia/Tokyo",
    }
    found = range_of(asked)
    assert found.address == {
        "from": "2026-11-29T05:02:00Z",
        "to": "2026-11-29T06:00:30Z",
    }
    assert range_of(found.address) == found


def test_without_a_name_it_is_by_the_clock_of_the_reader():
    with timezone.override(ZoneInfo("Europe/Paris")):
        found = range_of({"from": "2026-11-29T14:02", "zone": "Nowhere/Land"})
    assert found.since == datetime(2026, 11, 29, 13, 2, tzinfo=UTC)
    assert found.until is None


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"from": "soon"}, "soon is no moment"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "is no moment"),
        ({"to": "9999-12-31T23:59:59-14:00"}, "is no moment"),
        ({"from": "2026-11-29T14:00Z", "to": "2026-11-29T14:00Z"}, "not after"),
    ],
)
def test_what_cannot_be_read_is_told(asked, told):
    assert told in " ".join(range_of(asked).faults)


@given(
    st.fixed_dictionaries(
        {name: st.text(max_size=50) for name in ("from", "to", "zone")}
    )
)
def test_any_text_gives_a_range_or_says_why_not(asked):
    found = range_of(asked)
    assert found.faults or range_of(found.address) == found


def test_a_chart_stacks_every_push_once_in_the_slot_of_its_moment():
    stretch = Range(NOON, NOON + timedelta(hours=1))
    counted = [
        (0, "voip", "accepted", "handled", "register", 3),
        (0, "voip", "rejected", None, None, 1),
        (59, "voip", "accepted", "unhandled", "no_proof", 2),
        (60, "alert", "accepted", None, None, 4),
    ]
    chart = chart_of(stretch, counted)
    assert sum(bar.number for bar in chart.bars) == 10
    assert {bar.x for bar in chart.bars} == {
        round((place + 0.1) * 100 / SLOTS, 2) for place in (0, SLOTS - 1)
    }
    assert [number for *_, number in chart.legend] == [3, 4, 2, 1]
    assert [words for _, words, _ in chart.times][::4] == ["12:00", "13:00"]
    assert chart_of(Range(None, NOON), counted) is None


@pytest.fixture
def three(db) -> list[Push]:
    """Pushes of 11:30, 12:00 and 12:30."""
    found = []
    for minutes in (-30, 0, 30):
        moment = NOON + timedelta(minutes=minutes)
        push = factories.accepted_push(factories.registered_device(), moment)
        Push.objects.filter(pk=push.pk).update(created_at=moment)
        found.append(push)
    return found


def shown(**asked: str) -> list:
    page = people.browser_of("ops").get(f"/pushes/?{urlencode(asked)}").context["list"]
    return [row.row.push.pk for row in page.rows]


def test_pushes_of_a_range_begin_with_its_beginning_and_leave_its_end_out(three):
    early, noon, late = (push.pk for push in three)
    start, end = "2026-11-29T12:00", "2026-11-29T12:30"
    assert shown(**{"from": start}) == [late, noon]
    assert shown(**{"from": start, "to": end}) == [noon]
    assert shown(to=end) == [noon, early]
    assert shown(
        **{"from": "2026-11-29T13:00", "zone": "Europe/Paris", "to": "2026-11-29T13:30"}
    ) == [noon]
    assert shown(**{"from": end, "to": start}) == []


def test_everything_on_the_page_keeps_the_range(three):
    asked = urlencode(
        {"from": "2026-11-29T11:00Z", "to": "2026-11-29T13:00Z", "rows": 25}
    )
    answer = people.browser_of("support").get(f"/pushes/?{asked}")
    page, text = answer.context["list"], answer.content.decode()
    assert page.total == page.matching == 3
    assert sum(bar.number for bar in page.chart.bars) == 3
    for address in (page.address, page.clear):
        assert "from=2026-11-29T11%3A00%3A00Z&to=2026-11-29T13%3A00%3A00Z" in address
    assert 'name="from" value="2026-11-29T11:00:00Z"' in text
    told = [numbers for _, _, numbers in page.chart.rows]
    assert sum(map(sum, told)) == 3
    assert all(len(row) == len(page.chart.legend) for row in told)
    first, part, _ = page.chart.rows[0]
    zoomed = people.browser_of("support").get(f"/pushes/?{part}").context["list"]
    assert zoomed.total == sum(page.chart.rows[0][2])
    assert f">{first}</a></th>" in text
    assert not any("from=" in address for _, address in page.spans)
    assert "from=" not in page.timeless and "rows=25" in page.timeless


def test_an_export_and_a_bulk_hold_to_the_range(three):
    asked = urlencode({"from": "2026-11-29T12:00Z", "to": "2026-11-29T12:30Z"})
    exported = exports.LISTS["pushes"].rows(QueryDict(asked), timezone.now())
    assert [[row[1] for row in some] for some in exported] == [[str(three[1].pk)]]
    page = people.browser_of("support").get(f"/pushes/resend/?all=1&kind=alert&{asked}")
    assert ">1 chosen.<" in page.content.decode()
    wrong = people.browser_of("admin").get("/export/pushes.csv?from=soon")
    assert wrong.status_code == 400


def test_a_wrong_range_is_said_on_the_page(three):
    page = people.browser_of("ops").get("/pushes/?from=soon").content.decode()
    assert "soon is no moment: write it as 2026-11-29T14:02" in page
    page = people.browser_of("ops").get("/failures/?from=soon").content.decode()
    assert "soon is no moment" in page


def test_failures_of_a_range(three):
    Push.objects.update(state="rejected", reason="Unregistered")
    for push in three:
        Push.objects.filter(pk=push.pk).update(ended_at=push.sent_at)
    asked = urlencode({"from": "2026-11-29T11:45Z", "to": "2026-11-29T12:15Z"})
    page = people.browser_of("ops").get(f"/failures/?{asked}").context["list"]
    assert (page.failed, page.pushes) == (1, 1)
    assert [one.number for one in page.told.reasons] == [1]
    for _, address in ((None, page.failed_address), page.export):
        assert "from=2026-11-29T11%3A45%3A00Z" in address
    assert page.time.span == ""
