"""A worker claims, sends and records side by side: what is slow holds up nothing else."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import delivery, window
from notifications.apns import Key, Outcome
from notifications.apns.provider_token import sign
from notifications.journal import Journal
from notifications.models import Attempt, Push
from notifications.outbox import PushRequest, enqueue
from notifications.ownership import Owner
from notifications.provider_tokens import SharedShelf
from notifications.sending import Sender
from registrations.models import Environment
from simulator.directory import Entry
from simulator.faults import Fault, Faults
from simulator.tls import make_identity
from tests import factories
from tests.notifications.test_dry_run import BUNDLE_ID, credential, serving

pytestmark = pytest.mark.django_db
BUDGET = timedelta(seconds=20)


@pytest.fixture
def owner(tmp_path):
    owner = Owner(tmp_path)
    yield owner
    owner.close()


@pytest.fixture
def apns(identity):
    """Its phones and its faults; the app has a credential for it."""
    faults = Faults()
    with serving(identity, faults=faults) as (port, phones):
        row = credential(identity, port)
        row.environment = Environment.SANDBOX
        row.save()
        yield phones, faults


def call(phones) -> Push:
    device = factories.registered_device(bundle_id=BUNDLE_ID)
    phones.entries[factories.token_of(device).token] = Entry(
        environment="production", bundle_id=BUNDLE_ID, kind="voip"
    )
    request = PushRequest(device=device, push_type="voip", origin="test")
    return enqueue([request], timezone.now())[0]


def test_a_late_answer_holds_up_no_call_that_comes_after(apns, owner):
    phones, faults = apns
    faults.add(Fault("delay", seconds=4.0))
    asked = {call(phones).pk}
    sent = delivery.drain(delivery.VOIP, owner, timezone.now, BUDGET)
    asked |= {call(phones).pk, call(phones).pk}
    first = [push.pk for push in next(sent)]
    asked.add(call(phones).pk)
    recorded = first + [push.pk for pushes in sent for push in pushes]
    assert set(recorded) == asked
    slowest = Attempt.objects.latest("latency_ms")
    assert slowest.latency_ms > 3500
    assert recorded[-1] == slowest.push_id  # though it left first
    assert set(Push.objects.values_list("state", flat=True)) == {"accepted"}


def test_a_busy_worker_sees_to_what_a_dead_one_left(apns, owner):
    phones, faults = apns
    faults.add(Fault("delay", seconds=3.0))
    late = call(phones)
    sent = delivery.drain(delivery.VOIP, owner, timezone.now, BUDGET)
    left = call(phones)
    Journal(owner.folder, 4711).close()  # it died before anything left
    Push.objects.filter(pk=left.pk).update(
        state="sending", owner=4711, claimed_at=timezone.now()
    )
    assert [[push.pk for push in pushes] for pushes in sent] == [[left.pk], [late.pk]]


def test_a_worker_that_fails_keeps_its_journal_until_nothing_is_on_the_wire(
    apns, owner, tmp_path, monkeypatch
):
    phones, faults = apns
    faults.add(Fault("delay", seconds=1.0))
    pushes = [call(phones) for _ in range(3)]

    def broken(*_):
        raise RuntimeError("the database went away")

    monkeypatch.setattr(delivery.recording, "record", broken)
    with pytest.raises(RuntimeError):
        list(delivery.drain(delivery.VOIP, owner, timezone.now, BUDGET))
    lines = (tmp_path / str(owner.number())).read_bytes().split(b"\n")
    ends = [line for line in lines if line.startswith(b"o")]
    assert len(ends) == len(pushes)
    assert Push.objects.filter(state="sending").count() == len(pushes)


def test_nothing_leaves_that_cannot_be_noted_and_the_next_push_does(apns, tmp_path):
    phones, _ = apns
    call(phones)
    journal = Journal(tmp_path, 7)
    journal.close()  # as if the disk were full: nothing can be noted
    (push,) = delivery.claim(delivery.VOIP, 7, timezone.now())
    credentials = {(push.app_id, push.environment): push.app.credentials.get()}
    sender = Sender(timezone.now, journal)
    sender.begin([push], credentials)
    with pytest.raises(OSError, match="Bad file descriptor"):
        sender.ended(4)  # sooner than its deadline
    assert (len(sender), phones.delivered) == (0, [])
    sender = Sender(timezone.now, Journal(tmp_path, 8))
    sender.begin([push], credentials)
    (done,) = sender.ended(4)
    assert done.result.outcome == Outcome.ACCEPTED


def test_the_operators_are_told_how_many_a_lost_process_may_have_in_hand(settings):
    text = (settings.BASE_DIR / "docs/operations.md").read_text()
    assert f"{window.MOST} a process" in text
    assert text.count("a process.") == 1


@pytest.mark.django_db(transaction=True)
def test_the_try_before_a_renewed_provider_token_is_an_attempt_of_its_own(
    tmp_path, owner
):
    """The server's clock runs 35 minutes ahead: our 30-minute-old token is 65 there."""
    identity = make_identity(tmp_path / "apns")  # a key with no provider token yet
    key = Key(identity.team_id, identity.key_id, identity.key_pem)
    SharedShelf().put(key.name, sign(key, int(time.time()) - 30 * 60), None)
    ahead = 35 * 60
    with serving(identity, clock=lambda: time.time() + ahead) as (port, phones):
        row = credential(identity, port)
        row.environment = Environment.SANDBOX
        row.save()
        pushes = [call(phones) for _ in range(3)]
        list(delivery.drain(delivery.VOIP, owner, timezone.now, BUDGET))
    for push in pushes:
        tries = push.attempts.values_list("number", "outcome", "reason")
        assert list(tries) == [
            (1, "rejected", "ExpiredProviderToken"),
            (2, "accepted", ""),
        ]
        push.refresh_from_db()
        assert (push.state, push.reason) == ("accepted", "")
    row.refresh_from_db()
    assert row.paused_until is None
