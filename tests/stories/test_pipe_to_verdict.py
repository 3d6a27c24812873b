"""A log that is piped in (`journalctl -f | ingest -`) beside one that is followed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from notifications.watermarks import Watermark, Watermarks
from registrations.models import Device, Feed, Gap, Sighting
from tests import factories
from tests.registrations.followed import lines, person
from tests.registrations.logs import MORNING, FlexisipLog, plain
from tests.registrations.processes import started, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def piped(monkeypatch) -> Iterator[Callable[[], subprocess.Popen]]:
    monkeypatch.setenv("TZ", "UTC")
    processes: list[subprocess.Popen] = []

    def run() -> subprocess.Popen:
        processes.append(started("-", "--feed", "pipe"))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def write(process: subprocess.Popen, data: bytes) -> None:
    process.stdin.write(data.decode())
    process.stdin.flush()


def end(process: subprocess.Popen) -> None:
    process.stdin.close()
    process.stdin = None
    assert process.wait(30) == 0, process.stderr.read()


def pulse(second: float) -> bytes:
    return FlexisipLog().line(second, "nothing").bytes


def at(second: float) -> datetime:
    return MORNING + timedelta(seconds=second)


def watermark(second: float) -> Watermark:
    device = Device.objects.get()
    return Watermarks([device.pk], at(second)).of([device.pk])


def names(mark: Watermark) -> set[str]:
    return {feed.name for feed in mark.feeds}


def pipe() -> Feed:
    return Feed.objects.get(name="pipe")


def test_a_pipe_holds_verdicts_while_it_is_open_and_none_behind_its_end(piped):
    factories.feed(seen_until=at(0))
    process = piped()
    write(process, lines(1) + pulse(10))
    until(lambda: Feed.objects.filter(seen_until=at(10)).exists(), process)
    assert pipe().followed

    # It is idle: nothing moves the watermark, and after its heartbeat it is silent.
    factories.feed(seen_until=at(500))
    held = watermark(40).held_by(at(35), at(40))
    assert held == [{"feed": "pipe", "behind_seconds": 30, "why": "behind"}]
    held = watermark(200).held_by(at(35), at(200))
    assert held == [{"feed": "pipe", "behind_seconds": 190, "why": "silent"}]

    write(process, pulse(60) + pulse(61))
    until(lambda: pipe().seen_until > at(35), process)
    assert watermark(62).held_by(at(35), at(62)) == []

    end(process)
    assert not pipe().followed
    assert pipe().seen_until == at(61)


def test_behind_the_end_of_a_pipe_the_followed_feed_decides_alone(piped):
    process = piped()
    write(process, lines(1) + pulse(10))
    end(process)
    device = Device.objects.get()
    other = factories.feed(seen_until=at(500))
    moment = {"moment": at(400), "day": at(400).date(), "kind": "register"}
    file = other.files.create(path="proxy.log", opened_at=MORNING)
    Sighting.objects.create(
        device_id=device.pk, feed_id=other.pk, file_id=file.pk, position=0, **moment
    )
    assert names(watermark(450)) == {"proxy"}
    assert watermark(450).held_by(at(435), at(450)) == []


def test_what_nobody_piped_in_is_a_gap(piped):
    process = piped()
    write(process, lines(1) + pulse(10))
    end(process)
    process = piped()
    write(process, pulse(300))
    end(process)
    gap = Gap.objects.get(since=at(10))
    assert (gap.feed.name, gap.until, gap.why) == ("pipe", at(300), Gap.Why.AWAY)


def test_a_line_without_a_time_is_as_old_as_its_reading(piped):
    began = timezone.now()
    process = piped()
    write(process, plain(person(1), person(2)))
    until(Sighting.objects.exists, process)
    sighting = Sighting.objects.first()
    assert sighting.estimated
    assert began < sighting.moment < timezone.now()
    assert pipe().seen_until > began
    end(process)
    assert not pipe().followed


def test_a_file_on_standard_input_is_not_live(tmp_path, monkeypatch):
    path = tmp_path / "proxy.log"
    path.write_bytes(plain(person(1)))
    with path.open() as log:
        monkeypatch.setattr("sys.stdin", log)
        call_command("ingest", "-", "--feed", "pipe", stderr=StringIO())
    assert not pipe().followed
    assert Sighting.objects.get().moment is None


def test_a_pipe_shares_its_feed_with_no_file(tmp_path):
    path = tmp_path / "proxy.log"
    path.write_bytes(lines(1))
    process = started("-", "--feed", "pipe", str(path))
    _, said = process.communicate()
    assert process.returncode
    assert "a feed of its own" in said
