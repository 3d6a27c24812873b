"""While Redis is away or hangs, pushes leave all the same, and nobody waits for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.utils import timezone

from notifications.models import Push
from notifications.outbox import PushRequest, enqueue
from pushdash.lookout import Lookout, tasks_of_beat
from registrations.models import Environment
from simulator.directory import Entry
from tests import factories
from tests.commands import manage, until
from tests.notifications.test_dry_run import BUNDLE_ID, credential, serving

ROOT = Path(__file__).resolve().parents[2]
WAKE = """
import django; django.setup()
from notifications import outbox
for _ in range(50):
    outbox.wake("voip")
"""


@pytest.fixture
def hung():
    """A Redis that takes connections and never says a word; its URL and who came."""
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            while True:
                try:
                    came.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", came
        listener.shutdown(socket.SHUT_RDWR)
    for one in came:
        one.close()


def test_what_is_due_is_run_by_its_period_and_only_while_redis_is_away():
    ran, away = [], [False]
    lookout = Lookout(
        lambda: away[0],
        {
            "often": (1.0, lambda: ran.append("often")),
            "seldom": (30.0, lambda: ran.append("seldom")),
        },
    )
    assert (lookout.look(100.0), ran) == ([], [])
    away[0] = True
    assert lookout.look(101.0) == ["often", "seldom"]
    assert lookout.look(101.5) == []
    assert lookout.look(102.0) == ["often"]
    away[0] = False
    assert lookout.look(200.0) == []
    assert ran == ["often", "seldom", "often"]


def test_it_does_all_that_beat_wakes_calls_first():
    names = list(tasks_of_beat())
    assert names[0] == "tasks.wake_voip"
    assert {"tasks.wake_bulk", "tasks.settle", "ring_tasks.ring"} <= set(names)


def test_many_wake_ups_wait_once_for_a_redis_that_hangs(hung):
    url, came = hung
    settings = {"REDIS_URL": url, "DJANGO_SETTINGS_MODULE": "pushdash.settings"}
    subprocess.run(
        [sys.executable, "-c", WAKE],
        cwd=ROOT,
        env=os.environ | settings,
        check=True,
        timeout=120,
    )
    assert 1 <= len(came) <= 3


@pytest.mark.django_db(transaction=True)
def test_a_call_is_sent_while_redis_hangs(identity, hung):
    with serving(identity) as (port, phones):
        row = credential(identity, port)
        row.environment = Environment.SANDBOX
        row.save()
        device = factories.registered_device(bundle_id=BUNDLE_ID)
        phones.entries[factories.token_of(device).token] = Entry(
            environment="production", bundle_id=BUNDLE_ID, kind="voip"
        )
        request = PushRequest(device=device, push_type="voip", origin="test")
        (push,) = enqueue([request], timezone.now())
        with manage("lookout", REDIS_URL=hung[0]) as lookout:
            until(lambda: Push.objects.filter(state="accepted").exists(), lookout)
    push.refresh_from_db()
    assert push.state == "accepted"
    assert len(phones.delivered) == 1
    assert Push.objects.count() == 1
