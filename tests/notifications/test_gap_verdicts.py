"""A feed that lost what it had of a time makes no strike: its silence proves nothing."""

from __future__ import annotations

import pytest

from notifications import handling, push_page
from notifications.coverage import coverage
from notifications.facts import Policy
from notifications.models import App, Call, Ledger, VerdictChange
from notifications.replay import replay
from registrations.models import Feed
from tests.factories import accepted_push, feed, sighting
from tests.settling import at, ledger_of, settle

pytestmark = pytest.mark.django_db


def lose(since: float, until: float, name: str = "proxy") -> None:
    Feed.objects.get(name=name).gaps.create(
        since=at(since), until=at(until), why="away"
    )


def verdict() -> tuple[str, str]:
    call = Call.objects.get()
    return call.verdict, call.rule


@pytest.mark.parametrize(("since", "until"), [(5, 8), (-300, 1), (29, 600), (-19, -18)])
def test_a_call_of_that_time_is_not_counted(device, since, until):
    lose(since, until)
    accepted_push(device, at(0))
    settle(700)
    assert verdict() == ("not_counted", "gap")
    assert not Ledger.objects.filter(strikes__gt=0).exists()


@pytest.mark.parametrize(("since", "until"), [(-300, -21), (31, 600)])
def test_a_gap_before_or_after_excuses_nothing(device, since, until):
    lose(since, until)
    accepted_push(device, at(0))
    settle(700)
    assert verdict() == ("unhandled", "no_proof")


def test_it_is_said_only_once_the_deadline_is_read_past(device):
    lose(5, 8)
    accepted_push(device, at(0))
    settle(34)
    assert verdict() == ("awaited", "")


def test_what_was_read_in_spite_of_it_is_proof(device):
    lose(5, 8)
    accepted_push(device, at(0))
    sighting(device, at(9))
    settle(40)
    assert verdict() == ("handled", "register")


def test_a_feed_that_never_saw_the_device_may_lose_what_it_will(device):
    sighting(device, at(-600))
    feed("elsewhere", seen_until=at(700))
    lose(5, 8, "elsewhere")
    accepted_push(device, at(0))
    settle(700)
    assert verdict() == ("unhandled", "no_proof")


def test_proof_that_is_read_late_overturns_it(device):
    lose(5, 8)
    accepted_push(device, at(0))
    settle(40)
    sighting(device, at(6))
    settle(50)
    assert verdict() == ("handled", "register")
    assert VerdictChange.objects.get().rule == "gap"


def test_it_stands_like_a_strike_whatever_becomes_of_the_feeds(device):
    lose(5, 8)
    accepted_push(device, at(0))
    settle(40)
    Feed.objects.update(enabled=False)
    assert handling.rebuild(at(50)).judged == []
    Feed.objects.update(enabled=True)
    assert handling.rebuild(at(60)) == handling.Settled([], [])
    assert verdict() == ("not_counted", "gap")


def test_a_replay_does_not_count_it_either(device):
    lose(5, 8)
    accepted_push(device, at(0))
    accepted_push(device, at(100))
    settle(200)
    assert ledger_of(device).strikes == 1
    found = replay(App.objects.get(), Policy(threshold=1), at(-10), at(200))
    assert found.flips == []
    assert [moved.was for moved in found.moved] == [("silent", 1)] * len(found.moved)


def test_the_page_says_what_was_lost(device, client):
    lose(5, 8)
    push = accepted_push(device, at(0))
    settle(40)
    shown = push_page.push(push_page.rows().get(pk=push.pk), at(50))
    assert "lost what it had of that time" in shown["rule"]
    assert [gap.feed.name for gap in shown["gaps"]] == ["proxy"]


def test_coverage_names_it():
    found = coverage(
        [("not_counted", "gap", True, 2), ("handled", "register", True, 6)]
    )
    assert found.percent == 75
    assert "lost what it had" in str(found.gaps[0][0])
