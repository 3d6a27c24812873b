"""The Device page: tokens with their history and use, strikes, problems, what is assumed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications.device_page import SLOTS
from notifications.device_page import device as page_of
from notifications.handling import settle
from registrations.models import Device, Holding
from tests import factories
from tests.factories import MORNING
from tests.notifications import people

pytestmark = pytest.mark.django_db
NOW = MORNING + timedelta(hours=1)


@pytest.fixture
def device():
    factories.feed(seen_until=NOW)
    return factories.registered_device()


def content(device) -> str:
    path = f"/devices/{device.pk}/"
    return people.browser_of("ops").get(path).content.decode()


def test_a_token_says_when_apns_took_it_last_and_what_was_before(device):
    push = factories.accepted_push(device, MORNING)
    old = factories.push_token("voip")
    Holding.objects.create(device=device, token=old, current=False, until=MORNING)
    page = page_of(device, {}, NOW)
    voip, remote = page["tokens"]
    assert voip.last_accepted_at == push.accepted_at
    (change,) = page["token_history"]
    shown = "".join(piece.text for piece in change.before)
    assert (change.kind, shown) == ("VoIP token", old.masked)
    assert remote.last_accepted_at is None


def test_a_long_run_shows_its_newest_strikes_and_counts_the_rest(device):
    for number in range(SLOTS + 2):
        factories.accepted_push(device, MORNING + timedelta(minutes=2 * number))
    settle(NOW)
    risk = page_of(device, {}, NOW)["risk"]
    assert [strike.number for strike in risk.strikes] == [3, 4, 5, 6, 7, 8]
    assert risk.earlier == 2
    assert "2 earlier strikes" in content(device)


def test_a_problem_says_what_flexisip_does_about_it(device):
    device.problems = [{"rule": "token_count", "detail": "three tokens"}]
    device.assumed = True
    device.save()
    page = content(device)
    assert "token_count: three tokens" in page
    assert "What Flexisip does:" in page
    assert "Assume accepted" in page


def test_a_device_that_flexisip_never_pushes_to_is_not_called_calm(device):
    device.problems = [{"rule": "token_unlabelled", "detail": "no label"}]
    device.save()
    page = content(device)
    assert "Nothing says that calls" not in page
    assert "do not arrive while the app sleeps" in page
    assert "Malformed, never pushed to" in page
    assert "Do next:" in page
    Holding.objects.filter(device=device).update(current=False)
    assert "do not arrive while the app sleeps" in content(device)


def test_devices_that_share_something_say_what(device):
    token = factories.token_of(device)
    other = factories.registered_device(voip=token)
    page = page_of(device, {}, NOW)
    assert page["related"] == [(other, "same VoIP token: it shares the strikes")]


def test_who_shares_no_more_than_an_alert_a_phone_or_an_aor_is_said_too(device):
    alert = factories.registered_device()
    mine = Holding.objects.get(device=device, token__kind="remote", current=True)
    Holding.objects.filter(device=alert, token__kind="remote").update(token=mine.token)
    phone = factories.registered_device()
    Device.objects.filter(pk=phone.pk).update(instance_id=device.instance_id)
    aor = factories.registered_device()
    Device.objects.filter(pk=aor.pk).update(aor=device.aor)
    related = {other.pk: words for other, words in page_of(device, {}, NOW)["related"]}
    assert related == {
        alert.pk: "same remote token, another VoIP token",
        phone.pk: "same phone, another AOR",
        aor.pk: "same AOR, another phone or install",
    }
