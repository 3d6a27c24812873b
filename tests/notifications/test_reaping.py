"""What becomes of the rows a worker held when it died: its journal tells."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import reaping
from notifications.apns import Outcome, Result
from notifications.journal import Ended, Journal, sweep, taken_over
from notifications.models import Attempt, Push
from notifications.ownership import Owner, is_dead
from notifications.sending import key_of
from tests.factories import MORNING, accepted_push

DEAD = 4242
GONE = Result(
    outcome=Outcome.REJECTED, status=410, reason="Unregistered", gone_since=MORNING
)


def held(device, owner: int = DEAD, *, claimed_ago: int = 1) -> Push:
    """A push a worker has in hand."""
    now = timezone.now()
    push = accepted_push(device, now, state="queued")
    Push.objects.filter(pk=push.pk).update(
        state="sending",
        owner=owner,
        ended_at=None,
        claimed_at=now - timedelta(seconds=claimed_ago),
    )
    return push


def states(*pushes: Push) -> list[str]:
    by_id = dict(Push.objects.values_list("pk", "state"))
    return [by_id[push.pk] for push in pushes]


@pytest.fixture
def died(tmp_path):
    """Make the journal of a process that has died, with these lines noted."""

    def write(left: list[Push], ended: dict[Push, Result]) -> None:
        journal = Journal(tmp_path, DEAD)
        for push in [*left, *ended]:
            journal.note_leaving([key_of(push)])
        for push, result in ended.items():
            now = timezone.now()
            journal.note_end(key_of(push), Ended(now, now, result))
        journal.close()

    return write


def test_only_what_was_on_the_wire_is_unknown(device, died, tmp_path):
    on_the_wire, answered, waiting = (held(device) for _ in range(3))
    died([on_the_wire], {answered: GONE})
    reaping.reap(tmp_path, timezone.now())
    found = states(on_the_wire, answered, waiting)
    assert found == ["unknown", "rejected", "queued"]
    attempt = Attempt.objects.get(push=answered)
    assert (attempt.reason, attempt.gone_since) == ("Unregistered", MORNING)
    assert Attempt.objects.count() == 2
    assert list(tmp_path.iterdir()) == []


def test_what_a_journal_tells_of_an_earlier_try_is_not_said_of_the_next(
    device, died, tmp_path
):
    push, answered = held(device), held(device)
    died([push], {answered: GONE})
    Push.objects.update(attempt_count=1)  # both were recorded, and claimed once more
    reaping.reap(tmp_path, timezone.now())
    assert states(push, answered) == ["queued", "queued"]


def test_a_line_the_process_died_in_is_no_departure(device, died, tmp_path):
    push = held(device)
    died([], {})
    with (tmp_path / str(DEAD)).open("ab") as file:
        file.write(b"i" + key_of(push).encode()[:20])
    reaping.reap(tmp_path, timezone.now())
    assert states(push) == ["queued"]


@pytest.mark.parametrize("first", [b"bof another boot\n", b""])
def test_after_a_reboot_whatever_may_have_left_is_unknown(device, tmp_path, first):
    push = held(device)
    (tmp_path / str(DEAD)).write_bytes(first)
    reaping.reap(tmp_path, timezone.now())
    assert states(push) == ["unknown"]


def test_rows_of_another_machine_wait_a_minute_for_it(device, tmp_path):
    fresh, old = held(device), held(device, DEAD + 1, claimed_ago=61)
    reaping.reap(tmp_path, timezone.now())
    assert states(fresh, old) == ["sending", "unknown"]


def test_a_process_that_only_lost_its_session_keeps_its_rows(device, tmp_path):
    push = held(device)
    journal = Journal(tmp_path, DEAD)  # its lock is held, the database's is not
    reaping.reap(tmp_path, timezone.now())
    assert states(push) == ["sending"]
    journal.close()
    reaping.reap(tmp_path, timezone.now())
    assert states(push) == ["queued"]


def test_a_living_owners_rows_are_left_alone(device, tmp_path):
    owner = Owner(tmp_path)
    number = owner.number()
    push = held(device, number)
    try:
        reaping.reap(tmp_path, timezone.now())
        assert states(push) == ["sending"]
    finally:
        owner.close()
    while not is_dead(number):  # the server notices the end of a session a moment later
        time.sleep(0.01)
    reaping.reap(tmp_path, timezone.now())
    assert states(push) == ["queued"]


DYING = """
import os, signal, sys, uuid
from pathlib import Path
from notifications.journal import Journal
journal = Journal(Path(sys.argv[1]), 7)
for number in range(1000):
    journal.note_leaving([f"{uuid.UUID(int=number)}/1"])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kill_9_loses_no_line_and_frees_the_journal(tmp_path):
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "pushdash.settings"}
    command = [sys.executable, "-c", DYING, str(tmp_path)]
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    with taken_over(tmp_path, 7) as remains:
        assert remains.left == {f"{uuid.UUID(int=n)}/1" for n in range(1000)}


def test_old_journals_without_rows_are_swept(tmp_path):
    for number in (1, 2, 3):
        Journal(tmp_path, number).close()
    alive = Journal(tmp_path, 4)
    later = timezone.now() + timedelta(hours=2)
    sweep(tmp_path, {2}, later)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "4"]
    alive.close()


def test_a_cleared_journal_tells_of_nothing(tmp_path):
    journal = Journal(tmp_path, DEAD)
    journal.note_leaving([f"{uuid.uuid4()}/1"])
    journal.clear()
    journal.close()
    with taken_over(tmp_path, DEAD) as remains:
        assert remains.is_whole
        assert remains.left == set()
