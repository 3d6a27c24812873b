"""When pushing with a credential stops, and when refused tokens are no longer believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications import breaker, delivery
from notifications.apns import Outcome, Result
from notifications.models import Push, TokenHealth
from notifications.recording import record
from notifications.sending import Try
from registrations.models import Feed
from tests.factories import accepted_push, registered_device, sandbox_credential
from tests.notifications import people

ACCEPTED = Result(outcome=Outcome.ACCEPTED, status=200)


def rejected(status: int, reason: str) -> Result:
    return Result(outcome=Outcome.REJECTED, status=status, reason=reason)


@pytest.fixture
def credential(db):
    return sandbox_credential()


def queued(count: int) -> list[Push]:
    pushes = [
        accepted_push(registered_device(), timezone.now(), state="queued")
        for _ in range(count)
    ]
    Push.objects.update(ended_at=None, expires_at=timezone.now() + timedelta(hours=1))
    return pushes


def answered(result: Result, count: int = 1, now=None) -> list[Push]:
    """So many pushes to as many phones, each with this answer."""
    now = now or timezone.now()
    pushes = queued(count)
    Push.objects.filter(pk__in=[push.pk for push in pushes]).update(
        state="sending", owner=7
    )
    record([Try(push, now, now, result) for push in pushes], 7, now)
    return pushes


@pytest.mark.parametrize(
    ("result", "seconds"),
    [
        (ACCEPTED, None),
        (rejected(410, "Unregistered"), None),
        (rejected(429, "TooManyRequests"), None),
        (rejected(403, "InvalidProviderToken"), 60),
        (rejected(403, "ExpiredProviderToken"), 60),
        (replace(rejected(403, "ExpiredProviderToken"), is_renewed=True), None),
        (rejected(403, ""), 60),
        (rejected(429, "TooManyProviderTokenUpdates"), 600),
        (Result(outcome=Outcome.UNKNOWN), None),
    ],
)
def test_what_pauses_a_credential_and_for_how_long(result, seconds):
    pause = breaker.pause_for(result)
    assert (pause and pause.total_seconds()) == seconds


@pytest.mark.parametrize(
    ("misplaced", "answered", "found"),
    [(19, 19, False), (20, 20, True), (20, 66, True), (20, 67, False), (0, 0, False)],
)
def test_a_jump_is_many_and_a_large_share(misplaced, answered, found):
    assert breaker.is_jump(misplaced, answered) == found


def test_a_refused_key_stops_all_its_pushes_then_one_tries_and_frees_the_rest(
    credential,
):
    now = timezone.now()
    answered(rejected(403, "InvalidProviderToken"), now=now)
    credential.refresh_from_db()
    assert credential.pause_reason == "InvalidProviderToken"
    queued(3)
    assert delivery.claim(delivery.VOIP, 7, now + timedelta(seconds=59)) == []
    later = now + timedelta(seconds=61)
    (probe,) = delivery.claim(delivery.VOIP, 7, later)
    record([Try(probe, later, later, ACCEPTED)], 7, later)
    credential.refresh_from_db()
    assert (credential.pause_reason, credential.paused_until) == ("", None)
    assert len(delivery.claim(delivery.VOIP, 7, later)) == 2


def test_a_refusal_without_a_reason_pauses_and_ends_like_any_other(credential):
    now = timezone.now()
    answered(rejected(403, ""), now=now)
    queued(3)
    assert delivery.claim(delivery.VOIP, 7, now) == []
    later = now + timedelta(seconds=61)
    (probe,) = delivery.claim(delivery.VOIP, 7, later)
    record([Try(probe, later, later, ACCEPTED)], 7, later)
    assert len(delivery.claim(delivery.VOIP, 7, later)) == 2


def test_a_probe_that_is_refused_pauses_again(credential):
    now = timezone.now()
    answered(rejected(403, "InvalidProviderToken"), now=now)
    later = now + timedelta(seconds=61)
    answered(rejected(403, "InvalidProviderToken"), now=later)
    credential.refresh_from_db()
    assert credential.paused_until == later + timedelta(seconds=60)


def test_another_apps_pushes_go_on(credential):
    now = timezone.now()
    answered(rejected(403, "Forbidden"), now=now)
    other = registered_device(bundle_id="org.example.other")
    push = accepted_push(other, now, state="queued")
    Push.objects.filter(pk=push.pk).update(ended_at=None)
    assert delivery.claim(delivery.VOIP, 7, now) == [push]


def test_a_lost_answer_neither_opens_nor_closes(credential):
    answered(rejected(403, "Forbidden"))
    answered(Result(outcome=Outcome.UNKNOWN))
    credential.refresh_from_db()
    assert credential.pause_reason == "Forbidden"


@pytest.mark.parametrize("reason", ["BadDeviceToken", "DeviceTokenNotForTopic"])
def test_a_jump_in_refused_tokens_quarantines_none_and_raises_an_alarm(
    credential, reason
):
    answered(rejected(400, reason), 40)
    credential.refresh_from_db()
    assert credential.jump_at is not None
    assert not TokenHealth.objects.exclude(state="valid").exists()


def test_a_few_refused_tokens_among_many_are_believed(credential):
    answered(ACCEPTED, 30)
    answered(rejected(400, "BadDeviceToken"), 3)
    credential.refresh_from_db()
    assert credential.jump_at is None
    assert TokenHealth.objects.filter(state="quarantined").count() == 3


def test_the_alarm_ends_when_the_jump_does(credential):
    before = timezone.now() - breaker.JUMP_WINDOW - timedelta(seconds=1)
    answered(rejected(400, "BadDeviceToken"), 40)
    Push.objects.update(created_at=before)
    answered(rejected(400, "BadDeviceToken"), 1)
    credential.refresh_from_db()
    assert credential.jump_at is None


def test_no_second_push_probes_while_the_first_is_under_way(credential):
    now = timezone.now()
    answered(rejected(403, "InvalidProviderToken"), now=now)
    queued(3)
    later, place = now + timedelta(seconds=61), (credential.app_id, "sandbox")
    assert len(delivery.claim(delivery.VOIP, 7, later, {place})) == 0
    assert len(delivery.claim(delivery.VOIP, 7, later, {(0, "sandbox")})) == 1


def test_the_alarm_of_refused_tokens_ends_once_others_are_accepted(credential):
    now = timezone.now()
    answered(rejected(400, "BadDeviceToken"), 40, now)
    credential.refresh_from_db()
    assert credential.jump_at is not None
    later = now + breaker.JUMP_WINDOW * 2
    answered(ACCEPTED, 1, later)
    credential.refresh_from_db()
    assert credential.jump_at is None


def test_one_phone_called_often_is_no_jump(credential):
    device, now = registered_device(), timezone.now()
    for _ in range(22):
        push = accepted_push(device, now, state="queued")
        Push.objects.filter(pk=push.pk).update(state="sending", owner=7, ended_at=None)
        record([Try(push, now, now, rejected(400, "BadDeviceToken"))], 7, now)
    credential.refresh_from_db()
    assert credential.jump_at is None
    assert TokenHealth.objects.get().state == "quarantined"


def test_a_bulk_stored_long_ago_and_sent_slowly_can_be_a_jump(credential):
    now = timezone.now()
    for place in range(24):
        at = now + timedelta(seconds=10 * place)
        push = accepted_push(registered_device(), now - timedelta(hours=1))
        Push.objects.filter(pk=push.pk).update(state="sending", owner=7, ended_at=None)
        record([Try(push, at, at, rejected(400, "BadDeviceToken"))], 7, at)
    credential.refresh_from_db()
    assert credential.jump_at == now + timedelta(seconds=190)
    assert TokenHealth.objects.filter(state="quarantined").count() == 19


def test_a_jump_is_not_counted_twice(credential):
    answered(rejected(400, "BadDeviceToken"), 19)
    credential.refresh_from_db()
    assert credential.jump_at is None


@pytest.mark.parametrize("page", ["live", "settings"])
def test_live_and_settings_say_what_apns_refuses(credential, page):
    def notes() -> list[str]:
        body = people.browser_of("ops").get(reverse(f"notifications:{page}"))
        words = ("is paused: APNs said Forbidden", "refuses the tokens of many phones")
        return [one for one in words if one in body.content.decode()]

    Feed.objects.create(name="proxy")
    assert notes() == []
    answered(rejected(403, "Forbidden"))
    assert len(notes()) == 1
    answered(rejected(400, "BadDeviceToken"), 40)
    assert len(notes()) == 1  # a 400 ends the pause
    assert "many phones" in notes()[0]
