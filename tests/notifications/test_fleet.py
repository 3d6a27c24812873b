"""The figures, the risk board and the outcomes of the live page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from notifications import charts, fleet, live_reads
from notifications.board import ROWS as BOARD_ROWS
from notifications.handling import settle
from notifications.models import Call, Push
from notifications.templatetags.live_rows import board_item
from tests import factories
from tests.factories import MORNING

pytestmark = pytest.mark.django_db
NOW = MORNING + timedelta(minutes=10)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def woken(after: float, sent_at=MORNING):
    """A device whose push was followed by a REGISTER `after` seconds behind acceptance."""
    device = factories.registered_device()
    factories.accepted_push(device, sent_at)
    factories.sighting(device, sent_at + seconds(0.1 + after))
    return device


def unwoken(strikes: int = 1, aor: str = ""):
    """A device that ignored so many calls, two minutes apart."""
    device = factories.registered_device(aor)
    for number in range(strikes):
        factories.accepted_push(device, MORNING + timedelta(minutes=2 * number))
    return device


def kpis(now):
    return fleet.Picture(now).kpis


@pytest.fixture
def feed():
    return factories.feed(seen_until=NOW)


def test_an_empty_house_has_no_rates(feed):
    figures = kpis(NOW)
    assert (figures.registered, figures.known, figures.voip) == (0, 0, 0)
    assert figures.woken is None
    assert figures.median is None
    assert figures.oldest is None


def test_woken_is_handled_of_handled_and_unhandled(feed):
    for after in (1, 2, 4):
        woken(after)
    unwoken()
    settle(NOW)
    figures = kpis(NOW)
    assert (figures.handled, figures.judged, figures.woken) == (3, 4, 75.0)
    assert figures.voip == 4


def test_wake_times_run_from_acceptance_to_proof(feed):
    for after in (1, 2, 4):
        woken(after)
    settle(NOW)
    figures = kpis(NOW)
    assert (figures.median, figures.p95) == (2.0, 4.0)


def test_pushes_older_than_15_minutes_count_no_more(feed):
    woken(1)
    settle(NOW)
    assert kpis(MORNING + timedelta(minutes=16)).judged == 0


def test_registered_counts_only_devices_whose_binding_holds_at_the_moment(feed):
    factories.registered_device()
    gone = factories.registered_device()
    gone.expires_at = NOW - seconds(1)
    gone.save()
    figures = kpis(NOW)
    assert (figures.registered, figures.known) == (1, 2)


def test_the_oldest_waiting_push_is_named_by_its_age(feed):
    device = factories.registered_device()
    factories.accepted_push(device, NOW - seconds(7), state=Push.State.QUEUED)
    figures = kpis(NOW)
    assert (figures.waiting, figures.oldest) == (1, 7.0)


def test_the_board_holds_a_striking_device_with_its_evidence(feed):
    device = unwoken()
    settle(NOW)
    (row,) = fleet.Picture(NOW).board
    assert row.device == device
    assert row.ledger.strikes == 1
    assert [moment for moment, _ in row.ages] == [MORNING]
    assert row.lead == "1 VoIP push accepted, 0 wakes"


def test_a_device_that_woke_is_not_on_the_board(feed):
    woken(1)
    settle(NOW)
    assert fleet.Picture(NOW).board == []


def test_the_worst_stand_first(feed):
    once, twice = unwoken(1), unwoken(2)
    settle(NOW)
    assert [row.device for row in fleet.Picture(NOW).board] == [twice, once]


def test_spans_on_the_board_are_told_in_steps_of_five_seconds(feed):
    unwoken()
    settle(NOW)
    told = [fleet.Picture(NOW + seconds(after)).board[0].ages for after in (0, 4.9, 5)]
    assert told[0] == told[1]
    late = MORNING + seconds(37)
    assert [age for _, age in fleet.Picture(late).board[0].ages] == [
        "35\N{NO-BREAK SPACE}s"
    ]


def test_a_row_is_rendered_again_only_when_it_says_something_new(feed):
    unwoken(1, "sip:alice@example.org")
    settle(NOW)
    first, same = (board_item(fleet.Picture(NOW).board[0]) for _ in range(2))
    assert same is first
    assert "alice" in first
    assert 'data-state="silent"' in first
    later = board_item(fleet.Picture(NOW + timedelta(hours=1)).board[0])
    assert later != first
    with translation.override("fr"):
        assert board_item(fleet.Picture(NOW).board[0]) != first


def test_two_devices_with_one_token_both_stand_on_the_board(feed):
    device = unwoken()
    twin = factories.registered_device(voip=factories.token_of(device))
    settle(NOW)
    assert {row.device for row in fleet.Picture(NOW).board} == {device, twin}


def test_outcomes_say_what_was_seen(feed):
    woken(1.9, MORNING)
    unwoken()
    remote = factories.registered_device()
    factories.accepted_push(remote, MORNING, push_type="alert")
    settle(NOW)
    assert {row.words for row in fleet.Picture(NOW).feed} == {
        "woke in 1.9 s",
        "did not wake",
        "alert, accepted",
    }


def test_the_feed_is_one_query_however_many_its_rows(feed, django_assert_num_queries):
    woken(1.9, MORNING)
    unwoken(2)
    settle(NOW)
    with django_assert_num_queries(1):
        assert len([row.words + row.kinds for row in fleet.Picture(NOW).feed]) == 3


def test_the_board_holds_the_worst_of_many(feed):
    factories.app()
    for _ in range(BOARD_ROWS):
        unwoken(1)
    worst = unwoken(2)
    settle(NOW)
    rows = fleet.Picture(NOW).board
    assert len(rows) == BOARD_ROWS
    assert rows[0].device == worst


def test_a_source_silent_beyond_its_heartbeat_is_said_to_be(feed):
    later = NOW + feed.heartbeat + seconds(1)
    assert fleet.source_of(feed, NOW).tone == "ok"
    assert fleet.source_of(feed, later).words.startswith("silent for")


def test_outcomes_over_time_count_each_push_once(feed):
    woken(1)
    unwoken()
    factories.accepted_push(factories.registered_device(), MORNING, push_type="alert")
    factories.accepted_push(factories.registered_device(), MORNING, state="rejected")
    settle(NOW)
    for span in charts.SPANS:
        chart = fleet.Picture(NOW, span).outcomes
        assert [total for _, _, total in chart.legend] == [1, 1, 1, 1]
        assert [numbers for _, numbers in chart.rows] == [[1, 1, 1, 1]]
        assert len(chart.bars) == 4


def test_wake_times_fall_into_bins_and_the_sleepers_beside_them(feed):
    for after in (0.5, 1.5, 12):
        woken(after)
    unwoken()
    settle(NOW)
    chart = charts.wake_times(live_reads.lately_at(NOW))
    assert [bar.number for bar in chart.bars] == [1, 1, 0, 0, 0, 1, 1]
    assert (chart.total, chart.asleep) == (4, 1)


def test_of_many_pushes_the_older_ones_are_counted_once_a_minute(feed, monkeypatch):
    monkeypatch.setattr(charts, "COUNTED", 0)
    monkeypatch.setattr(charts, "_kept", {})
    woken(1)
    settle(NOW)

    def woken_at(later: timedelta) -> int:
        return fleet.Picture(NOW + later, "6h").outcomes.legend[0][2]

    hour = timedelta(hours=1)
    assert woken_at(hour) == 1
    Call.objects.all().delete()
    assert woken_at(hour + charts.KEEP - seconds(1)) == 1
    assert woken_at(hour + charts.KEEP) == 0
