"""Which connections there are to APNs: one credential's own, and none that outlives it."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import clients, delivery
from notifications.apns import Outcome, threads
from notifications.credentials import reseal_all
from notifications.dry_run import dry_run
from notifications.models import Credential
from notifications.outbox import PushRequest, enqueue
from notifications.ownership import Owner
from simulator.faults import Fault
from tests import factories
from tests.apns import push
from tests.notifications.test_dry_run import BUNDLE_ID, credential, running

pytestmark = pytest.mark.django_db
BUDGET = timedelta(seconds=20)


@pytest.fixture
def apns(identity):
    with running(identity) as (server, _):
        yield server


def send(row: Credential, **changes):
    client = clients.client_for(row)
    return threads.run(client.send(push(**changes), 5), 10)


def comes_true(claim) -> bool:
    """Whether it does within the time a connection may take to say goodbye."""
    until = time.monotonic() + 10
    while not claim() and time.monotonic() < until:
        time.sleep(0.02)
    return claim()


def test_two_credentials_share_no_connection_though_they_hold_one_key(identity, apns):
    rows = [
        credential(identity, apns.port, bundle_id)
        for bundle_id in (BUNDLE_ID, "org.example.other")
    ]
    for row in [*rows, *rows]:
        assert send(row).outcome == Outcome.ACCEPTED
    assert (apns.opened, apns.connections) == (2, 2)


@pytest.mark.parametrize("change", ["host", "sealed_key"])
def test_a_changed_credential_keeps_no_connection_of_the_old_one(
    identity, apns, change
):
    row = credential(identity, apns.port)
    send(row)
    if change == "host":
        row.host = "127.0.0.1"
    else:
        reseal_all()
        row.refresh_from_db()
    client = clients.client_for(row)
    assert comes_true(lambda: apns.connections == 0)
    assert clients.client_for(row) is client


def test_what_is_on_the_wire_when_a_credential_changes_is_still_answered(
    identity, apns
):
    row = credential(identity, apns.port)
    send(row)
    apns.faults.add(Fault("delay", seconds=1.0))
    before = sum(apns.received.values())
    sent = []
    old = clients.client_for(row)

    async def one() -> None:
        sent.append(await old.send(push(), 5))

    threads.start(one())
    assert comes_true(lambda: sum(apns.received.values()) > before)
    reseal_all()
    row.refresh_from_db()
    clients.client_for(row)
    assert comes_true(lambda: apns.connections == 0)
    assert [result.outcome for result in sent] == [Outcome.ACCEPTED]


def test_a_push_that_takes_an_old_client_is_sent_and_leaves_nothing_open(
    identity, apns
):
    row = credential(identity, apns.port)
    client = clients.client_for(row)
    clients.let_go(row.pk)
    result = threads.run(client.send(push(), 5), 10)
    assert result.outcome == Outcome.ACCEPTED
    assert comes_true(lambda: apns.connections == 0)


def test_a_refused_key_closes_its_connections(identity, apns, tmp_path):
    row = credential(identity, apns.port)
    send(row)
    apns.keys.revoked.add(identity.key_id)
    Credential.objects.filter(pk=row.pk).update(environment="sandbox")
    device = factories.registered_device(bundle_id=BUNDLE_ID)
    now = timezone.now()
    enqueue([PushRequest(device=device, push_type="alert", origin="test")], now)
    owner = Owner(tmp_path)
    try:
        list(delivery.drain(delivery.BULK, owner, timezone.now, BUDGET))
    finally:
        owner.close()
    row.refresh_from_db()
    assert row.pause_reason == "InvalidProviderToken"
    assert comes_true(lambda: apns.connections == 0)


@pytest.mark.parametrize(
    ("pause", "is_kept"),
    [
        ({"pause_reason": "InvalidProviderToken"}, False),
        ({"pause_reason": "TooManyProviderTokenUpdates"}, True),
        ({"pause_reason": "InvalidProviderToken", "paused_until": None}, True),
    ],
)
def test_every_process_closes_those_of_a_credential_that_was_refused(
    identity, apns, pause, is_kept
):
    row, now = credential(identity, apns.port), timezone.now()
    send(row)
    client = clients.client_for(row)
    values = {"paused_until": now + timedelta(minutes=1)} | pause
    Credential.objects.filter(pk=row.pk).update(**values)
    clients.let_go_of_refused(now)
    assert (clients.client_for(row) is client) == is_kept
    assert comes_true(lambda: apns.connections == int(is_kept))


def test_a_credential_that_is_gone_leaves_no_connection(identity, apns):
    row = credential(identity, apns.port)
    send(row)
    Credential.objects.all().delete()
    clients.let_go_of_refused(timezone.now())
    assert comes_true(lambda: apns.connections == 0)


def test_trying_a_credential_leaves_no_connection(identity, apns):
    dry_run(credential(identity, apns.port), timezone.now())
    assert apns.opened == 1
    assert comes_true(lambda: apns.connections == 0)
