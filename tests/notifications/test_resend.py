"""Is it safe to resend, and the resend itself: one push, one audit row, or neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications import resend, resend_facts, safety
from notifications.bulk_known import Known
from notifications.models import App, AuditEntry, Credential, Ledger, Push, TokenHealth
from notifications.outbox import CannotSend
from registrations.models import Holding, PushToken
from tests import factories
from tests.notifications import people

FINE = safety.Facts(
    push_type="voip",
    strikes=0,
    threshold=3,
    is_bound=True,
    is_current=True,
    health="",
    health_reason="",
    resent_just_now=False,
    environment="sandbox",
    server="sandbox",
)
SECOND = timedelta(seconds=1)
EXPIRED = {"credential": safety.Standing("expired", factories.MORNING)}
MISSING = {"credential": safety.Standing("missing")}


def paused(seconds: int, **values) -> dict:
    """Of a credential that pauses so long from now on."""
    left = seconds * SECOND
    return values | {
        "credential": safety.Standing(
            "paused", factories.MORNING, "InvalidProviderToken", left
        )
    }


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({"push_type": "alert"}, "green"),
        ({}, "amber"),
        ({"strikes": 1}, "amber"),
        ({"strikes": 2}, "red"),
        ({"strikes": 3}, "red"),
        ({"push_type": "alert", "strikes": 3}, "green"),
        ({"push_type": "alert", "is_bound": False}, "amber"),
        ({"is_current": False}, "red"),
        ({"health": TokenHealth.State.RETIRED}, "red"),
        ({"push_type": "alert", "health": TokenHealth.State.QUARANTINED}, "amber"),
        ({"push_type": "alert", "resent_just_now": True}, "red"),
        ({"strikes": 1, "threshold": 2}, "red"),
        ({"push_type": "alert", **MISSING}, "red"),
        ({"push_type": "alert", **EXPIRED}, "red"),
        (paused(600, push_type="alert"), "amber"),
        (paused(5, push_type="alert"), "green"),
        # A VoIP push is judged by what the pause leaves of its life.
        (paused(600), "red"),
        (paused(35), "red"),
        (paused(34), "amber"),
        (paused(1), "amber"),
        (paused(34, voip_life=20 * SECOND), "red"),
        (paused(20, life_left=20 * SECOND), "red"),
        (paused(19, life_left=20 * SECOND), "amber"),
        ({"push_type": "alert", "is_another": True}, "green"),
        ({"push_type": "alert", "sent_in": "production"}, "amber"),
        ({"push_type": "alert", "sent_in": "sandbox"}, "green"),
        ({"push_type": "alert", "server": "production"}, "red"),
        ({"push_type": "alert", "server": "other"}, "green"),
    ],
)
def test_the_worst_thing_found_decides_whether_it_is_safe(changed, level):
    assert safety.is_safe(replace(FINE, **changed)).level == level


def order_for(push: Push, group: str = "support", **values) -> resend.Order:
    given = {"push_type": push.push_type, "reason": ""} | values
    by = people.person(group)
    return resend.Order(device=push.device, by=by, resend_of=push, **given)


@pytest.fixture
def push() -> Push:
    return people.old_push(people.reachable_device())


@pytest.mark.django_db
def test_a_resend_is_a_new_push_that_names_the_old_one_and_an_audit_row(push):
    again = resend.send(order_for(push, push_type="alert"), timezone.now())
    assert (again.resend_of, again.origin, again.state) == (push, "resend", "queued")
    entry = AuditEntry.objects.get()
    assert entry.action == "push.resend"
    assert entry.actor_name == "support-person"
    assert entry.detail["push"] == str(again.pk)


@pytest.mark.django_db
def test_another_resend_within_a_minute_wants_a_reason(push):
    now = timezone.now()
    first = resend.send(order_for(push), now)
    Push.objects.filter(pk=first.pk).update(state="accepted", accepted_at=now)
    soon = now + timedelta(seconds=30)
    with pytest.raises(CannotSend, match="reason"):
        resend.send(order_for(push), soon)
    resend.send(order_for(push, reason="asked by the caller"), soon)
    assert Push.objects.filter(resend_of=push).count() == 2


@pytest.mark.django_db
def test_the_strike_before_the_last_wants_a_typed_reason_kept_in_the_audit(push):
    now = timezone.now()
    Ledger.objects.create(
        token=push.token, state="not_waking", strikes=2, threshold=3, since=now
    )
    with pytest.raises(CannotSend, match="not safe"):
        resend.send(order_for(push, reason="    "), now)
    assert not AuditEntry.objects.exists()
    resend.send(order_for(push, reason="fire brigade"), now)
    entry = AuditEntry.objects.get()
    assert (entry.reason, entry.detail["safety"]) == ("fire brigade", "red")


@pytest.mark.django_db
def test_what_cannot_be_sent_leaves_no_audit_row():
    device = factories.registered_device()
    push = people.old_push(device)
    with pytest.raises(CannotSend, match="no credential"):
        resend.send(order_for(push), timezone.now())
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_the_page_sends_and_leads_to_the_new_push(push):
    browser = people.browser_of("support")
    path = reverse("notifications:resend", args=[push.pk])
    answer = browser.post(path, {"push_type": "alert"})
    new = Push.objects.get(resend_of=push)
    assert answer["Location"] == reverse("notifications:push", args=[new.pk])


@pytest.mark.django_db
def test_the_page_says_why_it_did_not_send(push):
    device = push.device
    device.holdings.filter(token__kind="remote").update(current=False)
    path = reverse("notifications:test-push", args=[device.pk])
    answer = people.browser_of("support").post(
        path, {"push_type": "alert"}, follow=True
    )
    assert "has no remote token" in answer.content.decode()
    assert not Push.objects.filter(origin="test").exists()


@pytest.mark.django_db
def test_while_the_call_rings_a_resend_keeps_its_call_id_and_ends_with_it():
    device, now = people.reachable_device(), timezone.now()
    push = factories.accepted_push(device, now - timedelta(seconds=10))
    again = resend.send(order_for(push), now)
    assert again.call_id == push.call_id
    assert again.expires_at == push.expires_at
    page = people.browser_of("support").get(f"/pushes/{push.pk}/").content.decode()
    assert "The call still rings" in page


@pytest.mark.django_db
@pytest.mark.parametrize("code", [200, 486, None])
def test_once_the_call_is_over_a_resend_is_a_test_call(code):
    device, now = people.reachable_device(), timezone.now()
    sent_at = now - timedelta(seconds=10 if code else 26)
    push = factories.accepted_push(device, sent_at)
    if code:
        factories.sighting(device, now, kind="answer", call_id=push.call_id, code=code)
    again = resend.send(order_for(push), now)
    assert again.call_id != push.call_id
    assert again.expires_at > push.expires_at


def credential_facts(push: Push, now) -> set[tuple[str, str]]:
    """State and reason of the credential, for one resend and for a bulk's dry run."""
    device, token = push.device, push.token
    one = resend_facts.facts_of(device, ["voip"], now, push)["voip"]
    many = Known([device.pk], now).facts(device.pk, token, "voip")
    return {(one.state, one.reason) for one in (one.credential, many.credential)}


@pytest.mark.django_db
def test_what_hinders_the_credential_is_known_to_one_resend_and_to_a_bulk(push):
    now, rows = timezone.now(), Credential.objects.all()
    assert credential_facts(push, now) == {("", "")}
    rows.update(paused_until=now + SECOND, pause_reason="InvalidProviderToken")
    assert credential_facts(push, now) == {("paused", "InvalidProviderToken")}
    assert credential_facts(push, now + SECOND) == {("", "")}
    rows.update(expires_at=now)
    assert credential_facts(push, now) == {("expired", "")}
    rows.delete()
    assert credential_facts(push, now) == {("missing", "")}


@pytest.mark.django_db
def test_the_panel_says_until_when_the_credential_pauses(push):
    until = timezone.now() + timedelta(minutes=1)
    Credential.objects.update(paused_until=until, pause_reason="InvalidProviderToken")
    page = people.browser_of("support").get(f"/pushes/{push.pk}/").content.decode()
    assert "The credential pauses" in page
    assert f"until {until:%H:%M:%S}: APNs said InvalidProviderToken." in page
    assert "The push is over by then." in page


@pytest.mark.django_db
def test_a_pause_that_leaves_a_call_time_to_ring_wants_no_reason(push):
    now = timezone.now()
    paused = {"pause_reason": "InvalidProviderToken"}
    Credential.objects.update(paused_until=now + 10 * SECOND, **paused)
    App.objects.update(voip_life=SECOND)
    with pytest.raises(CannotSend, match="not safe"):
        resend.send(order_for(push), now)
    App.objects.update(voip_life=30 * SECOND)
    assert resend.send(order_for(push), now).due_at == now + safety.UNDO


@pytest.mark.django_db
def test_the_panel_says_how_late_a_call_rings_after_a_pause(push):
    until = timezone.now() + timedelta(seconds=20)
    Credential.objects.update(paused_until=until, pause_reason="InvalidProviderToken")
    page = people.browser_of("support").get(f"/pushes/{push.pk}/").content.decode()
    assert "s of its life are left: the phone rings late." in page
    assert 'id="resend-reason"' not in page


@pytest.mark.django_db
def test_with_an_expired_certificate_no_reason_helps(push):
    Credential.objects.update(expires_at=timezone.now())
    with pytest.raises(CannotSend, match="certificate has expired"):
        resend.send(order_for(push, reason="fire brigade"), timezone.now())
    assert not AuditEntry.objects.exists()


def replace_token(push: Push, environment: str = "sandbox") -> PushToken:
    """The device's newest REGISTER carries another token than the push went to."""
    push.device.holdings.filter(token=push.token).update(current=False)
    new = factories.push_token(push.token.kind)
    PushToken.objects.filter(pk=new.pk).update(environment=environment)
    Holding.objects.create(device=push.device, token=new, since=timezone.now())
    return new


@pytest.mark.django_db
def test_the_panel_judges_the_token_that_a_resend_would_go_to(push):
    now, new = timezone.now(), replace_token(push)
    Ledger.objects.create(token=push.token, state="suspected", strikes=3, since=now)
    panel = people.browser_of("support").get(f"/pushes/{push.pk}/").context["safety"]
    assert panel.level == "amber"
    assert "The token was replaced since" in [check.title for check in panel.checks]
    assert resend.send(order_for(push), now).token == new


@pytest.mark.django_db
def test_the_panel_warns_of_a_new_token_with_strikes_of_its_own(push):
    now, new = timezone.now(), replace_token(push)
    Ledger.objects.create(token=new, state="not_waking", strikes=2, since=now)
    panel = people.browser_of("support").get(f"/pushes/{push.pk}/").context["safety"]
    assert panel.level == "red"
    with pytest.raises(CannotSend, match="not safe"):
        resend.send(order_for(push), now)


@pytest.mark.django_db
def test_a_new_token_of_the_other_environment_asks_for_its_credential(push):
    replace_token(push, "production")
    page = people.browser_of("support").get(f"/pushes/{push.pk}/").content.decode()
    assert "The push went to sandbox, a resend goes to production." in page
    assert "No credential for its app and environment" in page


@pytest.mark.django_db
def test_without_a_token_the_panel_says_so(push):
    push.device.holdings.update(current=False)
    panel = people.browser_of("support").get(f"/pushes/{push.pk}/").context["safety"]
    assert panel.against.title == "The device holds no token for it"
