"""Trying a credential tells key, team and topic apart, and reaches no phone."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from notifications.apns import Outcome, Result
from notifications.credentials import seal
from notifications.dry_run import dry_run, finding_of
from notifications.models import Credential
from simulator.apns import ApnsServer
from tests.apns import Phones
from tests.factories import app
from tests.notifications import people

pytestmark = pytest.mark.django_db
BUNDLE_ID = "org.example.app"


@contextmanager
def running(identity, **options):
    """A simulated APNs on a thread of its own, and the phones behind it."""
    phones, loop = Phones(), asyncio.new_event_loop()
    server = ApnsServer(phones, identity, **options)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield server, phones
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def serving(identity, **options):
    """Its port, and the phones behind it."""
    with running(identity, **options) as (server, phones):
        yield server.port, phones


def credential(
    identity, port: int, bundle_id: str = BUNDLE_ID, **changes
) -> Credential:
    values = {
        "team_id": identity.team_id,
        "key_id": identity.key_id,
        "sealed_key": seal(identity.key_pem),
        **changes,
    }
    return Credential.objects.create(
        app=app(bundle_id),
        environment="production",
        server="other",
        host="localhost",
        port=port,
        ca_pem=identity.ca_pem,
        created_at=timezone.now(),
        **values,
    )


def test_a_right_credential_is_accepted_for_both_topics_and_nothing_rings(identity):
    with serving(identity) as (port, phones):
        found = dry_run(credential(identity, port), timezone.now())
    assert [one.topic for one in found] == [f"{BUNDLE_ID}.voip", BUNDLE_ID]
    assert all(one.is_ok for one in found)
    assert phones.delivered == []


@pytest.mark.parametrize(
    "changes", [{"team_id": "OTHER12345"}, {"key_id": "OTHERKEY12"}]
)
def test_a_wrong_team_or_key_id_is_told(identity, changes):
    with serving(identity) as (port, _):
        found = dry_run(credential(identity, port, **changes), timezone.now())
    assert not any(one.is_ok for one in found)
    assert "InvalidProviderToken" in found[0].words
    assert "Check the key, its id and the team" in found[0].words


def test_a_topic_the_key_may_not_use_is_told(identity):
    allowed = frozenset(["org.example.other"])
    with serving(identity, bundle_ids=allowed) as (port, _):
        found = dry_run(credential(identity, port), timezone.now())
    assert not any(one.is_ok for one in found)
    assert "TopicDisallowed" in found[0].words


def test_a_key_that_cannot_be_opened_is_told(identity):
    broken = credential(identity, 1, sealed_key=b"of another ring")
    assert "upload the .p8 again" in dry_run(broken, timezone.now())[0].words


def test_no_answer_is_no_success():
    lost = Result(outcome=Outcome.NOT_SENT, detail="no connection to localhost")
    finding = finding_of(BUNDLE_ID, lost)
    assert (finding.is_ok, finding.words) == (False, "no connection to localhost")


def test_the_command_says_what_apns_said_and_fails_with_it(identity):
    out = StringIO()
    with serving(identity) as (port, _):
        row = credential(identity, port)
        call_command("try_credential", BUNDLE_ID, "production", stdout=out)
        Credential.objects.filter(pk=row.pk).update(team_id="OTHER12345")
        with pytest.raises(SystemExit):
            call_command("try_credential", BUNDLE_ID, "production", stdout=out)
    assert out.getvalue().count("APNs accepts key, team and topic") == 2
    assert out.getvalue().count("InvalidProviderToken") == 2
    with pytest.raises(CommandError, match="no key is stored"):
        call_command("try_credential", BUNDLE_ID, "sandbox")


def test_an_admin_tries_a_key_on_settings(identity):
    browser = people.browser_of("admin")
    with serving(identity) as (port, _):
        row = credential(identity, port)
        address = reverse("notifications:try-credential", args=[row.pk])
        answer = browser.post(address, follow=True)
    assert "Try this key with APNs" in answer.content.decode()
    assert answer.content.decode().count("APNs accepts key, team and topic") == 2
