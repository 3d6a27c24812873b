"""What a feed may have lost is known, by its moments, before anything is concluded of it."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError
from django.utils import timezone

from registrations.gaps import EVER, note_gap
from registrations.listening import Listening
from registrations.models import Feed, Gap
from registrations.sources.hep_gate import Gate
from registrations.sources.hep_listener import Packet
from tests.hep import hep3, noise
from tests.registrations.followed import lines
from tests.registrations.logs import MORNING
from tests.registrations.test_rotation import append, cut

pytestmark = pytest.mark.django_db(transaction=True)


def gaps() -> list[tuple]:
    """Why, and from which second of the log to which."""
    return [
        (gap.why, *((at - MORNING).total_seconds() for at in (gap.since, gap.until)))
        for gap in Gap.objects.all()
    ]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "proxy.log"
    path.write_bytes(lines(10))
    return path


def test_a_log_that_is_gone_before_it_was_read_leaves_a_gap(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    followed.stop()
    append(path, lines(20))
    path.unlink()
    path.write_bytes(lines(30))
    followed.start()
    assert followed.take_in() == [10, 30]
    assert gaps() == [("log", 10.001, 30)]


def test_what_was_rotated_and_is_there_leaves_none(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    followed.stop()
    append(path, lines(20))
    path.rename(path.with_name("proxy.log.1"))
    path.write_bytes(lines(30))
    followed.start()
    assert followed.take_in() == [10, 20, 30]
    cut(path)
    append(path, lines(40))
    assert followed.take_in()[-1] == 40
    path.unlink()
    path.write_bytes(lines(50))
    assert followed.take_in()[-1] == 50
    assert gaps() == []


def test_a_log_that_is_emptied_leaves_one(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    path.write_bytes(b"")
    followed.take_in()
    append(path, lines(40))
    assert followed.take_in() == [10, 40]
    assert gaps() == [("log", 10.001, 40)]


def test_the_first_reading_and_a_restart_leave_none(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    followed.start()
    append(path, lines(20))
    assert followed.take_in() == [10, 20]
    assert gaps() == []


def test_a_gap_is_as_wide_as_the_feeds_clock_may_be_off(path, follow_here):
    followed = follow_here(path)
    followed.take_in()
    followed.stop()
    Feed.objects.update(skew=timedelta(seconds=-3))
    path.unlink()
    path.write_bytes(lines(30))
    followed.start()
    followed.take_in()
    assert gaps() == [("log", 10.001, 33)]


class Ear:
    """A HEP feed in this process; `hear` stores a packet of that moment, noise or other."""

    def __init__(self) -> None:
        self.queue: list[list[Packet]] = []
        self.gate = Gate()
        listener = SimpleNamespace(udp=None, take=self._take)
        self.heard = Listening("hep", "udp", listener, self.gate, timezone.now)

    def _take(self, most: int, wait: float) -> list[Packet]:
        return self.queue.pop() if self.queue else []

    def hear(self, at, message: bytes = noise(1)) -> None:
        self.queue.append([Packet(hep3(message, at), time.time())])
        self.heard.drain()


def test_while_nobody_listened_there_is_a_gap():
    at = timezone.now() - timedelta(seconds=60)
    Ear().hear(at)
    (gap,) = Gap.objects.all()
    assert (gap.why, gap.since, gap.until) == ("away", EVER, at)
    again = Ear()
    again.hear(at + timedelta(seconds=30))
    again.hear(at + timedelta(seconds=31))
    # What nobody heard goes on from the last that was: one row.
    (gap,) = Gap.objects.all()
    assert gap.until == at + timedelta(seconds=30)


def test_packets_that_were_lost_are_a_gap():
    ear = Ear()
    ear.hear(timezone.now())
    before = timezone.now()
    ear.gate.refused["queue_full"] = 7
    ear.hear(timezone.now())
    ear.hear(timezone.now())
    (gap,) = Gap.objects.filter(why="packets")
    assert gap.since <= before <= gap.until <= timezone.now()


def test_a_gap_is_not_forgotten_with_a_batch_that_could_not_be_stored(monkeypatch):
    ear = Ear()
    monkeypatch.setattr("registrations.listening.RETRY_SECONDS", 0.0)
    fails = [DatabaseError("away")]

    def note(self, refused, looked_at):
        if fails:
            raise fails.pop()

    monkeypatch.setattr(Listening, "_note_refused", note)
    ear.hear(timezone.now())
    assert Gap.objects.get().why == "away"


def test_gaps_that_meet_are_one():
    feed = Feed.objects.create(name="hep")
    for since, until in ((10, 20), (20, 30), (60, 70), (5, 2)):
        note_gap(
            feed, *(MORNING + timedelta(seconds=s) for s in (since, until)), "away"
        )
    assert gaps() == [("away", 10, 30), ("away", 60, 70)]
