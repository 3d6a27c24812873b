"""Many devices at once: who is left out and why, that nothing is done twice, pace and stop."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from notifications import bulk, bulk_devices
from notifications.bulk_devices import plan_of
from notifications.models import AuditEntry, BulkItem, Ledger, Push, Reset
from notifications.outbox import CannotSend
from notifications.safety import UNDO
from registrations.models import Device, Holding
from tests import factories
from tests.notifications import people
from tests.people import person

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
ROLLED_BACK = "5.3.1 was rolled back"


def struck_devices(number: int) -> list[Device]:
    """As many phones with two strikes each, the newest first."""
    people.reachable_device()
    found = []
    for _ in range(number):
        device = factories.registered_device()
        Ledger.objects.create(
            token=factories.token_of(device),
            state="not_waking",
            strikes=2,
            threshold=3,
            since=timezone.now(),
        )
        found.insert(0, device)
    return found


def of(devices: list[Device]):
    return Device.objects.filter(pk__in=[device.pk for device in devices])


def order_of(devices: list[Device], kind: str, now, *, by=None, rate: int = 10):
    return bulk.BulkOrder(
        key=uuid.uuid4(),
        plan=plan_of(of(devices), kind, now),
        address="",
        rate=rate,
        by=by or people.person("support"),
        reason=ROLLED_BACK,
    )


def reasons(devices: list[Device], kind: str) -> dict[str, int]:
    found = plan_of(of(devices), kind, timezone.now())
    return {why: number for _, why, number in found.reasons}


def test_the_dry_run_says_whose_strikes_are_not_reset_and_why():
    fine, told, bare, new = struck_devices(4)
    Ledger.objects.filter(token=factories.token_of(told)).update(strikes=0)
    bare.holdings.update(current=False)
    token = factories.token_of(new)
    Reset.objects.create(token=token, at=timezone.now(), reason="by hand")
    found = plan_of(of([fine, told, bare, new]), "reset", timezone.now())
    assert [line.device for line in found.sent] == [fine]
    assert {why: number for _, why, number in found.reasons} == {
        "It has no strikes": 1,
        "The device holds no VoIP token": 1,
        "Its strikes were reset just now": 1,
    }
    assert Reset.objects.count() == 1


def test_the_dry_run_says_who_gets_no_test_push_and_why():
    fine, bare, tested, foreign = struck_devices(4)
    bare.holdings.update(current=False)
    push = factories.accepted_push(tested, timezone.now(), push_type="alert")
    Push.objects.filter(pk=push.pk).update(origin="test")
    other = factories.push_token("remote", "org.example.other")
    foreign.holdings.filter(token__kind="remote").update(token=other)
    assert reasons([fine, bare, tested, foreign], "test") == {
        "The device holds no token for it": 1,
        "Sent less than a minute ago": 1,
        "No credential for its app and environment": 1,
    }


@pytest.mark.parametrize("kind", ["test", "reset"])
def test_a_phone_with_two_accounts_is_taken_once(kind):
    (device,) = struck_devices(1)
    second = factories.registered_device()
    second.holdings.all().delete()
    for holding in device.holdings.all():
        Holding.objects.create(
            device=second, token=holding.token, since=factories.MORNING
        )
    found = plan_of(of([device, second]), kind, timezone.now())
    assert [line.device for line in found.sent] == [second], "the newest stands for it"
    ((_, why, _),) = found.reasons
    assert "same phone" in why


def test_all_that_match_are_counted_though_only_the_newest_are_taken(monkeypatch):
    devices = struck_devices(3)
    monkeypatch.setattr(bulk_devices, "MOST", 2)
    found = plan_of(of(devices), "reset", timezone.now())
    assert (found.chosen, found.is_cut) == (3, True)
    assert [line.device for line in found.lines] == devices[:2]


def test_strikes_are_reset_at_the_rate_each_with_the_reason_in_the_audit():
    now, devices = timezone.now(), struck_devices(3)
    order = order_of(devices, "reset", now, rate=2)
    started = bulk.start(order, now)
    assert bulk.start(order, now) == started, "a form sent twice is one bulk"
    assert bulk.work_off(now + 4 * SECOND) == 0, "the undo window"
    assert bulk.work_off(now + UNDO) == 2
    assert bulk.work_off(now + UNDO + SECOND) == 1
    started.refresh_from_db()
    assert (started.state, started.reason) == ("done", ROLLED_BACK)
    tokens = {factories.token_of(device) for device in devices}
    assert {row.token for row in Reset.objects.all()} == tokens
    entry = AuditEntry.objects.get(action="bulk.reset")
    assert (entry.subject, entry.reason) == ("3 devices", ROLLED_BACK)
    each = AuditEntry.objects.filter(action="strikes.reset", reason=ROLLED_BACK)
    assert {row.subject for row in each} == {device.aor for device in devices}


def test_a_test_push_goes_to_each_remote_token_and_stands_in_its_row():
    now, devices = timezone.now(), struck_devices(2)
    started = bulk.start(order_of(devices, "test", now), now)
    bulk.work_off(now + UNDO)
    pushes = Push.objects.filter(origin="test", push_type="alert")
    assert {push.device for push in pushes} == set(devices)
    assert {item.resend for item in started.items.all()} == set(pushes)
    assert not Reset.objects.exists()


def test_a_device_waits_in_one_bulk_only():
    now, devices = timezone.now(), struck_devices(2)
    late = order_of(devices, "reset", now, by=people.person("admin"))
    bulk.start(order_of(devices[:1], "reset", now), now)
    with pytest.raises(CannotSend, match="look again"):
        bulk.start(late, now)
    assert reasons(devices, "reset") == {"It waits in another bulk": 1}
    assert reasons(devices, "test") == {}, "another thing is no second time"
    item = BulkItem.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        BulkItem.objects.create(bulk=item.bulk, device=item.device)


def test_a_row_is_a_push_or_a_device():
    now, (device,) = timezone.now(), struck_devices(1)
    started = bulk.start(order_of([device], "test", now), now)
    push = factories.accepted_push(device, now)
    for values in ({}, {"push": push, "device": device}):
        with pytest.raises(IntegrityError), transaction.atomic():
            BulkItem.objects.create(bulk=started, result="refused", **values)


@pytest.mark.parametrize("kind", ["test", "reset"])
def test_what_was_done_meanwhile_is_not_done_again_when_its_turn_comes(kind):
    now, devices = timezone.now(), struck_devices(1)
    of_the_other_tab = order_of(devices, kind, now)
    bulk.start(order_of(devices, kind, now), now)
    bulk.work_off(now + UNDO)
    late = bulk.start(of_the_other_tab, now)
    bulk.work_off(now + UNDO + SECOND)
    assert late.items.get().result == "refused"
    assert Reset.objects.count() + Push.objects.filter(origin="test").count() == 1


def test_a_stopped_bulk_resets_no_more():
    now, devices = timezone.now(), struck_devices(3)
    started = bulk.start(order_of(devices, "reset", now, rate=1), now)
    bulk.work_off(now + UNDO)
    assert bulk.cancel(started, people.person("support"), now + UNDO) == 2
    assert bulk.work_off(now + UNDO + 5 * SECOND) == 0
    assert Reset.objects.count() == 1
    entry = AuditEntry.objects.get(action="bulk.cancel")
    assert entry.subject == "2 devices"


@pytest.mark.django_db(transaction=True)
def test_clicks_at_the_same_moment_are_one_bulk_and_two_people_are_not_two():
    now, devices = timezone.now(), struck_devices(3)
    support = person("support", "resend", "reset_strikes")
    admin = person("admin", "resend", "reset_strikes")
    mine = order_of(devices, "reset", now, by=support)
    others = [order_of(devices, "reset", now, by=admin) for _ in range(4)]

    def click(order):
        try:
            return bulk.start(order, now).pk
        except CannotSend:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(click, [mine] * 4 + others))
    assert len({pk for pk in made if pk}) == 1
    assert BulkItem.objects.count() == 3
    assert AuditEntry.objects.filter(action="bulk.reset").count() == 1
