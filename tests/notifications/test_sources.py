"""Feeds in words: the lag, and the sentence that verdicts are held."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications.models import Call
from notifications.sources import asks_for_somebody, held_by_feeds, hold_at, source_of
from registrations.models import Feed
from tests import factories
from tests.factories import MORNING

pytestmark = pytest.mark.django_db
NOW = MORNING


def ago(seconds: float):
    return NOW - timedelta(seconds=seconds)


def waiting() -> list:
    """What holds each call, as the pages read it."""
    return [call["held_by"] for call in held_by_feeds()]


def test_a_feed_that_is_behind_holds_verdicts_and_is_named():
    feed = factories.feed("edge-proxy", seen_until=ago(41))
    assert hold_at([feed], waiting(), NOW).sentences == (
        "feed edge-proxy is 41 s behind",
    )


def test_refused_packets_are_told_by_reason_the_most_frequent_first():
    feed = factories.feed(refused={"key_wrong": 31, "sender_not_allowed": 2000})
    assert source_of(feed, NOW).refused == "sender not allowed 2,000, key wrong 31"
    assert source_of(factories.feed("quiet"), NOW).refused == ""


def test_a_feed_that_keeps_up_holds_nothing():
    assert hold_at([factories.feed(seen_until=ago(3))], [], NOW) is None


def test_a_log_read_once_holds_nothing():
    assert (
        hold_at([factories.feed(seen_until=ago(900), followed=False)], [], NOW) is None
    )


def test_the_calls_that_wait_are_counted():
    feed = factories.feed("edge-proxy", seen_until=ago(41))
    Call.objects.create(
        token=factories.push_token(),
        call_id="c1",
        held_by=[{"feed": "edge-proxy", "behind_seconds": 41, "why": "behind"}],
        created_at=NOW,
    )
    found = hold_at([feed], waiting(), NOW)
    assert found.calls == 1
    assert len(found.sentences) == 1


@pytest.mark.parametrize(
    ("values", "tone", "words"),
    [
        ({"seen_until": ago(0.4)}, "ok", "0.4 s"),
        ({"seen_until": ago(41)}, "warn", "41 s behind"),
        ({"seen_until": ago(300)}, "warn", "silent for 5\N{NO-BREAK SPACE}min"),
        # A clock that is ahead hides no lag, nor does a feed nobody has read for a while.
        (
            {"seen_until": ago(-5), "skew": timedelta(seconds=46)},
            "warn",
            "41 s behind",
        ),
        (
            {"seen_until": ago(0), "last_read_at": ago(300)},
            "warn",
            "silent for 5\N{NO-BREAK SPACE}min",
        ),
        ({"seen_until": ago(3), "skew": timedelta(seconds=-2)}, "ok", "3.0 s"),
        ({"seen_until": None}, "mute", "waiting for the first record"),
        (
            {"trouble": "permission denied", "trouble_since": ago(190)},
            "bad",
            "stalled for 3\N{NO-BREAK SPACE}min: permission denied",
        ),
    ],
)
def test_a_source_says_its_lag_or_why_it_says_nothing(values, tone, words):
    found = source_of(factories.feed(**values), NOW)
    assert (found.tone, found.words) == (tone, words)


def test_the_feeds_that_ask_for_somebody_are_those_with_a_loud_tone():
    for number, seen in enumerate((3, 29, 31, 59, 61, 900)):
        for heartbeat in (10, 60):
            name = f"feed {number} {heartbeat}"
            pulse = timedelta(seconds=heartbeat)
            factories.feed(name, seen_until=ago(seen), heartbeat=pulse)
    ahead = {"seen_until": ago(-5), "skew": timedelta(seconds=46)}
    factories.feed("ahead", **ahead)
    factories.feed("unread", seen_until=ago(0), last_read_at=ago(45))
    factories.feed("new")
    factories.feed("new, read", last_read_at=ago(900))
    factories.feed("app", kind=Feed.Kind.BEACON, seen_until=ago(900))
    factories.feed("locked", trouble="permission denied", seen_until=ago(1))
    loud = {
        feed
        for feed in Feed.objects.all()
        if source_of(feed, NOW).tone in {"warn", "bad"}
    }
    assert set(Feed.objects.filter(asks_for_somebody(NOW))) == loud
    assert 0 < len(loud) < Feed.objects.count()
