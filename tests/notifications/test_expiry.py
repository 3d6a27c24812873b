"""The end of a certificate is told in time: in the log, to a monitor, on Live."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications.expiry import STAGES, ending, warn
from notifications.models import Credential
from pushdash.celery import PERIODS
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def certificate(days: float) -> Credential:
    """One that ends in so many days."""
    credential = factories.sandbox_credential()
    credential.kind = Credential.Kind.CERTIFICATE
    credential.name = "Apple Push Services"
    credential.expires_at = NOW + timedelta(days=days)
    credential.save()
    return credential


def told(caplog) -> list[int]:
    return [one.days for one in caplog.records if one.name == "notifications.expiry"]


def test_each_stage_is_logged_once_as_a_warning(caplog):
    end = certificate(70).expires_at
    at = NOW
    while at < end + timedelta(days=2):
        warn(at)
        at += timedelta(hours=6)
    assert told(caplog) == [*sorted(STAGES, reverse=True), 0]
    found = caplog.records[0]
    assert (found.levelno, found.app) == (logging.WARNING, factories.BUNDLE_ID)
    assert found.environment == "sandbox"
    assert "certificate has ended" in caplog.records[-1].message


def test_a_process_that_was_down_says_the_stage_of_now_alone(caplog):
    certificate(5)
    warn(NOW)
    assert told(caplog) == [7]


def test_the_next_certificate_is_told_of_anew(caplog):
    row = certificate(1)
    warn(NOW)
    values = {
        "app": row.app_id,
        "environment": "sandbox",
        "team_id": "TEAM123456",
        "key_id": "KEY1234567",
        "key": people.new_key(),
        "server": "sandbox",
    }
    path = reverse("notifications:set-credential")
    assert people.browser_of("admin").post(path, values).status_code == 302
    assert Credential.objects.get().warned_days is None


def test_beat_looks_often_enough_for_the_last_day():
    assert PERIODS["tasks.watch_certificates"] <= 3600


def test_a_monitor_is_told_and_is_not_alarmed(client):
    row = certificate(29)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["certificates"] == [
        {
            "app": factories.BUNDLE_ID,
            "environment": "sandbox",
            "expires_at": row.expires_at.isoformat(),
            "stage": 30,
        }
    ]
    Credential.objects.update(expires_at=NOW + timedelta(days=61))
    assert client.get("/readyz").json()["certificates"] == []


@pytest.mark.parametrize(("days", "is_shown"), [(15, False), (13, True), (-1, True)])
def test_live_shows_it_from_two_weeks_on(days, is_shown):
    factories.feed(seen_until=NOW)
    certificate(days)
    page = people.browser_of("ops").get(reverse("notifications:live"))
    assert ('data-alarm="certificate"' in page.content.decode()) == is_shown


def test_a_key_never_ends_and_the_first_to_end_comes_first():
    first = certificate(3)
    other = factories.app("org.example.other")
    values = {"kind": "certificate", "created_at": NOW, "server": "sandbox"}
    Credential.objects.create(
        app=other, environment="sandbox", expires_at=NOW + timedelta(days=2), **values
    )
    Credential.objects.create(
        app=other, environment="production", team_id="T", key_id="K", server="sandbox",
        created_at=NOW,
    )  # fmt: skip
    assert [row.app for row, _ in ending(NOW)] == [other, first.app]
