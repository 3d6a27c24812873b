"""`rebuild_risk` by several processes: what one would find, and nothing else."""

from __future__ import annotations

import pytest

from notifications import handling
from notifications.crew import crew
from notifications.models import Call, Ledger
from registrations.models import Feed
from tests import factories
from tests.factories import accepted_push, registered_device
from tests.settling import at, ledger_of, strike

pytestmark = pytest.mark.django_db(transaction=True)


def test_processes_that_share_the_work_mend_what_one_would(monkeypatch):
    monkeypatch.setattr(handling, "BATCH", 2)
    factories.app()
    factories.feed(seen_until=at(0))
    devices = [registered_device() for _ in range(5)]
    for device in devices:
        strike(device, 0)
        strike(device, 300)
    Feed.objects.update(seen_until=at(900))
    assert handling.rebuild(at(900)) == handling.Settled([], [])
    spoiled = Call.objects.first()
    Call.objects.filter(pk=spoiled.pk).update(verdict="awaited", rule="")
    Ledger.objects.filter(token=factories.token_of(devices[-1])).update(strikes=7)
    with crew(2) as pool:
        settled = handling.rebuild_by(pool.imap, at(900))
        assert settled.judged == [spoiled.pk]
        assert settled.ledgers == [factories.token_of(devices[-1]).pk]
        assert {ledger_of(device).strikes for device in devices} == {2}
        assert handling.rebuild_by(pool.imap, at(900)) == handling.Settled([], [])


def test_a_push_nobody_has_looked_at_is_known_before_the_work_is_shared(device):
    accepted_push(device, at(0))
    Feed.objects.update(seen_until=at(100))
    with crew(2) as pool:
        settled = handling.rebuild_by(pool.imap, at(100))
    assert settled.judged == [Call.objects.get(verdict="unhandled").pk]
    assert ledger_of(device).strikes == 1
