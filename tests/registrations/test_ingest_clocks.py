"""The feed's clock and ours, and how far a feed promises to have been read."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import BinaryIO

import pytest
from django.core.management import call_command

from registrations.formats.record import Pulse, Request
from registrations.ingest import FileReading
from registrations.intake import Intake, Piece
from registrations.models import Feed, LogFile, Sighting
from tests.registrations.logs import MORNING, FlexisipLog, register

pytestmark = pytest.mark.django_db


@pytest.fixture
def follower(tmp_path):
    path = tmp_path / "proxy.log"
    path.touch()
    with path.open("rb") as stream:
        yield Follower(path, stream)


class Follower:
    """Follows one file by a clock of its own, so many seconds after each line's moment."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path, self._now = path, MORNING
        feed = Feed.objects.create(name="proxy", followed=True)
        self._intake = Intake(feed, live=True, clock=lambda: self._now)
        self._reading = FileReading(feed, str(path), str(path), stream, MORNING)

    def read(self, second: float, log: FlexisipLog) -> None:
        with self.path.open("ab") as file:
            file.write(log.bytes)
        self._now = MORNING + timedelta(seconds=second)
        while (piece := self._reading.read()) is not None:
            self._intake.take(piece)


def test_the_skew_of_a_feed_that_is_followed_goes_with_each_sighting(follower):
    for second in range(0, 60, 5):
        follower.read(second, FlexisipLog().line(second + 20, "ahead"))
    assert Feed.objects.get().skew == timedelta(seconds=20)
    log = FlexisipLog().request(81, register()).reply(81.1, 200)
    follower.read(61, log)
    assert Sighting.objects.get().skew_ms == 20_000
    assert Sighting.objects.get().moment == MORNING + timedelta(seconds=81)


def test_a_file_read_afterwards_measures_no_skew(tmp_path):
    log = FlexisipLog()
    for second in range(0, 600, 5):
        log.line(second, "long ago")
    (tmp_path / "proxy.log").write_bytes(log.bytes)
    call_command("ingest", str(tmp_path / "proxy.log"), stderr=StringIO())
    assert Feed.objects.get().skew == timedelta()


def test_the_watermark_stays_behind_a_register_that_waits_for_its_answer(follower):
    follower.read(1, FlexisipLog().request(0, register(call_id="c0")).reply(0.1, 200))
    follower.read(11, FlexisipLog().request(10, register()).line(11, "other"))
    assert Feed.objects.get().seen_until < MORNING + timedelta(seconds=10)
    follower.read(20, FlexisipLog().reply(19, 200))
    assert Feed.objects.get().seen_until == MORNING + timedelta(seconds=19)
    assert Sighting.objects.count() == 2


def test_where_no_answers_are_shown_nothing_holds_the_watermark():
    feed = Feed.objects.create(name="proxy", followed=True)
    file = LogFile.objects.create(feed=feed, path="proxy.log", opened_at=MORNING)
    raw, at = register().encode(), MORNING + timedelta(seconds=11)
    asked = Request(position=0, at=MORNING, source=None, raw=raw)
    records = [asked, Pulse(position=9, at=at)]
    intake = Intake(feed, live=True, clock=lambda: at)
    intake.take(Piece(file=file, records=records, position=9))
    assert Feed.objects.get().seen_until == at
    assert Sighting.objects.get().moment == MORNING


def test_a_register_that_is_never_answered_holds_the_watermark_for_timer_f(follower):
    follower.read(1, FlexisipLog().request(0, register(call_id="c0")).reply(0.1, 200))
    follower.read(11, FlexisipLog().request(10, register(), "0x2"))
    follower.read(42, FlexisipLog().line(42, "32 s later"))
    assert Feed.objects.get().seen_until < MORNING + timedelta(seconds=10)
    follower.read(43, FlexisipLog().line(43, "33 s later"))
    assert Feed.objects.get().seen_until == MORNING + timedelta(seconds=43)
    assert Sighting.objects.filter(kind="challenged").count() == 1
