"""A quarantined token is tried in the other environment, and APNs' answer decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications import delivery
from notifications.models import AuditEntry, Push, TokenHealth, TokenHealthChange
from notifications.outbox import PushRequest, enqueue
from notifications.ownership import Owner
from registrations.models import PushToken
from simulator.directory import Entry
from tests import factories
from tests.notifications import people
from tests.notifications.test_dry_run import BUNDLE_ID, credential, serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def device(db):
    """A phone that claims sandbox, both its tokens refused there."""
    device = factories.registered_device(bundle_id=BUNDLE_ID)
    for holding in device.holdings.all():
        TokenHealth.objects.create(
            token=holding.token,
            state="quarantined",
            reason="BadDeviceToken",
            at=timezone.now() - timedelta(minutes=1),
        )
    return device


def press(device, token: PushToken, group: str = "support", follow: bool = False):
    path = reverse("notifications:other-environment", args=[device.pk, token.pk])
    return people.browser_of(group).post(path, follow=follow)


def deliver(tmp_path) -> list[Push]:
    """What a worker would do now."""
    lanes, owner = [*delivery.VOIP, *delivery.BULK], Owner(tmp_path)
    try:
        sent = delivery.drain(lanes, owner, timezone.now, timedelta(seconds=5))
        return [push for pushes in sent for push in pushes]
    finally:
        owner.close()


def history(token: PushToken) -> list[tuple[str, str]]:
    rows = TokenHealthChange.objects.filter(token=token)
    return list(rows.values_list("after", "reason"))


@pytest.mark.parametrize("kind", ["voip", "remote"])
def test_a_token_accepted_there_is_of_that_environment_from_then_on(
    identity, device, tmp_path, kind
):
    token = factories.token_of(device, kind)
    with serving(identity) as (port, phones):
        credential(identity, port)
        phones.entries[token.token] = Entry(
            environment="production", bundle_id=BUNDLE_ID, kind=kind
        )
        press(device, token)
        (push,) = deliver(tmp_path)
    push.refresh_from_db()
    assert (push.state, push.environment) == ("accepted", "production")
    assert push.push_type == ("voip" if kind == "voip" else "background")
    health = TokenHealth.objects.get(token=token)
    assert (health.state, health.environment) == ("valid", "production")
    assert history(token) == [("valid", "APNs accepted a push in production")]
    entry = AuditEntry.objects.get()
    assert entry.action == "token.other_environment"
    assert token.token not in str(entry.detail)
    wanted = PushRequest(
        device=device, push_type="voip" if kind == "voip" else "alert", origin="test"
    )
    assert enqueue([wanted], timezone.now())[0].environment == "production"


def test_a_token_refused_there_too_stays_quarantined_and_history_says_so(
    identity, device, tmp_path
):
    token = factories.token_of(device)
    with serving(identity) as (port, _):
        credential(identity, port)
        press(device, token)
        deliver(tmp_path)
    health = TokenHealth.objects.get(token=token)
    assert (health.state, health.environment) == ("quarantined", "")
    assert history(token) == [("quarantined", "BadDeviceToken in production too")]
    page = people.browser_of("support").get(
        reverse("notifications:device", args=[device.pk])
    )
    said = page.content.decode()
    assert "BadDeviceToken in production too" in said
    assert "Try it in production" in said


def test_without_a_credential_there_it_says_so_and_sends_nothing(device):
    token = factories.token_of(device)
    factories.app(BUNDLE_ID)
    answer = press(device, token, follow=True)
    assert "no credential for production" in answer.content.decode()
    assert not Push.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_valid_token_is_not_tried(device):
    token = factories.token_of(device)
    TokenHealth.objects.update(state="valid", reason="")
    answer = press(device, token, follow=True)
    assert "is not quarantined" in answer.content.decode()
    assert "Try it in" not in answer.content.decode()
    assert not Push.objects.exists()


def test_who_may_only_see_may_not_try(device):
    assert press(device, factories.token_of(device), group="ops").status_code == 403
