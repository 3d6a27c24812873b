"""The secret of an app's beacons: made by an admin, sealed, shown once."""

from __future__ import annotations

import re

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from notifications.beacon_secrets import count, make_secret, secrets_of
from notifications.credentials import reseal_all
from notifications.models import AuditEntry, BeaconSecret
from tests.factories import app
from tests.notifications.people import browser_of

pytestmark = pytest.mark.django_db
SHOWN = re.compile(r"data-beacon-secret>([^<]+)<")


def test_an_admin_makes_one_and_it_is_shown_once():
    phone, browser = app(), browser_of("admin")
    answer = browser.post(f"/settings/apps/{phone.pk}/beacon-secret/")
    secret = SHOWN.search(answer.content.decode())[1]
    assert secrets_of(phone) == [secret]
    assert "no-store" in answer["Cache-Control"]
    assert secret not in browser.get("/settings/").content.decode()
    assert secret.encode() not in bytes(BeaconSecret.objects.get().sealed)
    entry = AuditEntry.objects.get(action="beacon.secret")
    assert (entry.actor_name, secret in str(entry.detail)) == ("admin-person", False)


@pytest.mark.parametrize("group", ["ops", "support", None])
def test_nobody_else_may(group):
    phone = app()
    answer = browser_of(group).post(f"/settings/apps/{phone.pk}/beacon-secret/")
    assert answer.status_code in {302, 403}
    assert not BeaconSecret.objects.exists()


def test_the_one_before_works_until_the_next_replacement():
    phone, now = app(), timezone.now()
    first, second, third = (make_secret(phone, now) for _ in range(3))
    assert secrets_of(phone) == [third, second]
    assert first not in secrets_of(phone)


def test_they_are_sealed_anew_with_the_key_ring(settings):
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    settings.PUSHDASH_ENCRYPTION_KEYS = [old]
    secret = make_secret(app(), timezone.now())
    settings.PUSHDASH_ENCRYPTION_KEYS = [new, old]
    reseal_all()
    settings.PUSHDASH_ENCRYPTION_KEYS = [new]
    assert secrets_of(app()) == [secret]


def test_the_counts_stand_on_settings():
    phone = app()
    make_secret(phone, timezone.now())
    for _ in range(3):
        count(phone, "forged", timezone.now())
    page = browser_of("ops").get("/settings/").content.decode()
    forged = page.split(f'id="beacons-{phone.pk}"')[1].split("</dl>")[0]
    assert re.search(r"Forged</dt><dd class=\"num\">3 ", forged)
    assert "Replace the beacon secret" not in page
