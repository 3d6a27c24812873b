"""Every push reaches exactly one final state; each of them can be reached, and stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications import delivery, reaping
from notifications.apns import Outcome, Result
from notifications.journal import Journal
from notifications.models import AuditEntry, Push
from notifications.recording import record
from notifications.retrying import TRIES
from notifications.sending import Try
from notifications.withdrawing import withdraw
from tests.factories import accepted_push, registered_device, sandbox_credential
from tests.notifications import people

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def queued(push_type: str = "voip", life: timedelta = timedelta(hours=1)) -> Push:
    sandbox_credential()
    push = accepted_push(registered_device(), NOW, push_type=push_type, state="queued")
    Push.objects.update(ended_at=None, expires_at=NOW + life)
    push.refresh_from_db()
    return push


def tried(push: Push, result: Result, at=NOW) -> Push:
    """The push after one try with this result."""
    Push.objects.filter(pk=push.pk).update(state="sending", owner=7)
    push.refresh_from_db()
    record([Try(push, at, at, result)], 7, at)
    push.refresh_from_db()
    return push


def answer(outcome: Outcome, reason: str = "") -> Result:
    return Result(outcome=outcome, reason=reason)


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (answer(Outcome.ACCEPTED), "accepted"),
        (answer(Outcome.REJECTED, "Unregistered"), "rejected"),
        (answer(Outcome.UNKNOWN), "unknown"),
    ],
)
def test_what_apns_said_or_did_not_say_is_final(result, state):
    push = tried(queued(), result)
    assert (push.state, push.ended_at is not None) == (state, True)
    assert delivery.claim(delivery.VOIP, 8, NOW + timedelta(minutes=1)) == []


def test_failed_is_what_never_left_in_all_its_tries():
    push, at = queued(), NOW
    for number in range(1, TRIES["voip"] + 1):
        assert push.state == "queued"
        at = max(at, push.due_at)
        push = tried(push, answer(Outcome.NOT_SENT), at)
        assert push.attempt_count == number
    assert (push.state, push.sent_at) == ("failed", None)


def test_expired_is_what_never_left_in_its_life():
    push = queued(life=timedelta(seconds=30))
    reaping.expire(NOW + timedelta(seconds=31))
    push.refresh_from_db()
    assert (push.state, push.sent_at, push.attempt_count) == ("expired", None, 0)


def test_expired_is_also_what_could_be_tried_again_only_too_late():
    push = tried(queued(life=timedelta(milliseconds=100)), answer(Outcome.NOT_SENT))
    assert push.state == "expired"


def expires(push: Push) -> None:
    reaping.expire(push.expires_at)


def is_withdrawn(push: Push) -> None:
    assert withdraw(push, people.person("support"), NOW)


def never_leaves_again(push: Push) -> None:
    at = NOW
    while push.state == "queued":
        at = max(at, push.due_at)
        push = tried(push, answer(Outcome.NOT_SENT), at)


@pytest.mark.parametrize("end", [expires, is_withdrawn, never_leaves_again])
@pytest.mark.parametrize("earlier", ["unknown", "rejected"])
def test_an_end_without_a_sure_send_tells_of_an_earlier_try_that_left(earlier, end):
    first = Result(outcome=Outcome(earlier), reason="ServiceUnavailable")
    push = tried(queued("background", timedelta(days=5)), first)
    assert push.state == "queued"
    end(push)
    push.refresh_from_db()
    assert (push.state, push.ended_at is not None) == (earlier, True)


def test_cancelled_is_what_a_person_withdrew_before_it_left(tmp_path):
    push = queued()
    path = reverse("notifications:withdraw", args=[push.pk])
    browser = people.browser_of("support")
    page = reverse("notifications:push", args=[push.pk])
    assert "Withdraw this push" in browser.get(page).content.decode()
    browser.post(path)
    push.refresh_from_db()
    assert (push.state, push.sent_at) == ("cancelled", None)
    assert AuditEntry.objects.get().action == "push.withdraw"
    assert delivery.claim(delivery.VOIP, 7, NOW) == []
    assert "Withdraw this push" not in browser.get(page).content.decode()


def test_what_a_worker_holds_or_what_has_ended_cannot_be_withdrawn():
    push, by = queued(), people.person("support")
    (held,) = delivery.claim(delivery.VOIP, 7, NOW)
    assert not withdraw(held, by, NOW)
    push = tried(push, answer(Outcome.ACCEPTED))
    assert not withdraw(push, by, NOW)
    push.refresh_from_db()
    assert push.state == "accepted"
    assert not AuditEntry.objects.exists()


def test_a_final_state_is_never_left(tmp_path):
    states = sorted(Push.FINAL)
    pushes = [queued() if not n else _another(n) for n in range(len(states))]
    for push, state in zip(pushes, states, strict=True):
        Push.objects.filter(pk=push.pk).update(
            state=state, accepted_at=NOW, expires_at=NOW + timedelta(hours=1)
        )
    later = NOW + timedelta(minutes=5)
    assert delivery.claim([*delivery.VOIP, *delivery.BULK], 7, later) == []
    Journal(tmp_path, 7).close()
    reaping.reap(tmp_path, later)
    reaping.expire(NOW + timedelta(days=1))
    assert sorted(Push.objects.values_list("state", flat=True)) == states


def _another(number: int) -> Push:
    return accepted_push(registered_device(), NOW, state="queued")
