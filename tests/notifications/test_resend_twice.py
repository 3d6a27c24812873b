"""Nobody sends twice what is under way, and what was undone was never sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from notifications import resend, resend_facts
from notifications.bulk_known import Known
from notifications.models import AuditEntry, Push
from notifications.withdrawing import withdraw
from tests.notifications import people
from tests.notifications.test_resend import order_for
from tests.people import person

SECOND = timedelta(seconds=1)


@pytest.fixture
def push() -> Push:
    return people.old_push(people.reachable_device())


@pytest.mark.django_db
def test_a_form_sent_twice_sends_once(push):
    now = timezone.now()
    order = order_for(push, reason="the caller waits")
    first = resend.send(order, now)
    second = resend.send(order, now + timedelta(seconds=2))
    assert first == second
    assert Push.objects.filter(resend_of=push).count() == 1
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_what_was_undone_was_not_sent_and_can_be_sent_again(push):
    now, by = timezone.now(), people.person("support")
    first = resend.send(order_for(push), now)
    assert withdraw(first, by, now + SECOND)
    again = resend.send(order_for(push), now + 2 * SECOND)
    assert again != first
    assert (again.state, again.resend_of) == ("queued", push)


@pytest.mark.django_db
def test_what_was_undone_does_not_count_as_sent_just_now(push):
    now, device = timezone.now(), push.device
    first = resend.send(order_for(push), now)

    def sent_just_now() -> set[bool]:
        many = Known([device.pk], now).facts(device.pk, push.token, "voip")
        one = resend_facts.facts_of(device, ["voip"], now, push)["voip"]
        return {one.resent_just_now, many.resent_just_now}

    assert sent_just_now() == {True}
    withdraw(first, people.person("support"), now)
    assert sent_just_now() == {False}


@pytest.mark.django_db
def test_another_person_is_led_to_the_resend_that_waits(push):
    path = reverse("notifications:resend", args=[push.pk])
    people.browser_of("support").post(path, {"push_type": "alert"})
    second = people.browser_of("admin").post(path, {"push_type": "alert"}, follow=True)
    new = Push.objects.get(resend_of=push)
    assert second.redirect_chain[0][0] == reverse("notifications:push", args=[new.pk])
    assert "support-person has resent it already" in second.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "sent"), [("queued", 1), ("sending", 1), ("accepted", 2)]
)
def test_once_it_has_left_another_person_may_resend(push, state, sent):
    now = timezone.now()
    resend.send(order_for(push, push_type="alert"), now)
    waiting = Push.objects.filter(resend_of=push)
    waiting.update(state=state, accepted_at=now if state == "accepted" else None)
    why = {"push_type": "alert", "reason": "asked by the caller"}
    resend.send(order_for(push, "admin", **why), now + SECOND)
    assert waiting.count() == sent


@pytest.mark.django_db(transaction=True)
def test_two_tabs_and_two_people_at_the_same_moment_send_once(push):
    now = timezone.now()
    # Of rights, not of groups: a test that empties the database may have been here before.
    both = [person("support", "resend"), person("admin", "resend")] * 4

    def click(by):
        why = {"push_type": "voip", "reason": "the caller waits"}
        try:
            order = resend.Order(device=push.device, by=by, resend_of=push, **why)
            return resend.send(order, now).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(click, both))
    assert len(set(made)) == 1
    assert Push.objects.filter(resend_of=push).count() == 1
    assert AuditEntry.objects.filter(action="push.resend").count() == 1
