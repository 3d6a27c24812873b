"""A bulk resend: what the dry run leaves out, that nobody sends twice, pace and stop."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from notifications import bulk, bulk_plan
from notifications.bulk_plan import plan
from notifications.models import AuditEntry, Bulk, BulkItem, Ledger, Push, TokenHealth
from notifications.outbox import CannotSend
from notifications.safety import UNDO
from tests import factories
from tests.notifications import people
from tests.people import person

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def alerts(number: int) -> list[Push]:
    """Refused alerts of an hour ago, to as many phones."""
    people.reachable_device()
    found = []
    for _ in range(number):
        push = people.old_push(factories.registered_device(), "alert")
        Push.objects.filter(pk=push.pk).update(state="rejected", reason="Shutdown")
        found.append(push)
    return found


def of(pushes: list[Push]):
    return Push.objects.filter(pk__in=[push.pk for push in pushes])


def started(pushes: list[Push], now, *, group: str = "support", rate: int = 10) -> Bulk:
    order = bulk.BulkOrder(
        key=uuid.uuid4(),
        plan=plan(of(pushes), "remote", now),
        address="",
        rate=rate,
        by=people.person(group),
    )
    return bulk.start(order, now)


def test_the_dry_run_says_how_many_go_and_why_the_others_do_not():
    now = timezone.now()
    fine, gone, none, voip = alerts(4)
    TokenHealth.objects.create(
        token=gone.token, state="retired", reason="Unregistered", at=now
    )
    none.device.holdings.update(current=False)
    voip = people.old_push(voip.device)
    found = plan(of([fine, gone, none, voip]), "remote", now)
    assert [line.push for line in found.sent] == [fine]
    assert {why: number for _, why, number in found.reasons} == {
        "The token is gone": 1,
        "The device holds no token for it": 1,
        "A VoIP push, left out": 1,
    }
    assert not Push.objects.filter(origin="resend").exists()


def test_a_phone_at_its_last_strike_is_not_rung_by_a_bulk():
    now = timezone.now()
    risky = people.old_push(people.reachable_device())
    Ledger.objects.create(
        token=risky.token, state="not_waking", strikes=2, threshold=3, since=now
    )
    assert plan(of([risky]), "same", now).reasons == [
        ("hot", "Would be strike 3 of 3", 1)
    ]
    assert [line.push_type for line in plan(of([risky]), "alert", now).sent] == [
        "alert"
    ]


def test_a_phone_gets_one_push_however_many_were_chosen():
    (push,) = alerts(1)
    newer = factories.accepted_push(push.device, timezone.now(), push_type="alert")
    found = plan(of([push, newer]), "remote", timezone.now())
    assert [line.push for line in found.sent] == [newer]


def test_all_that_match_are_counted_though_only_the_newest_are_resent(monkeypatch):
    device = people.reachable_device()
    pushes = [people.old_push(device, "alert") for _ in range(3)]
    monkeypatch.setattr(bulk_plan, "MOST", 2)
    found = plan(of(pushes), "remote", timezone.now())
    assert (found.chosen, len(found.lines), found.is_cut) == (3, 2, True)


def test_a_form_sent_twice_is_one_bulk_with_one_audit_entry():
    now, pushes = timezone.now(), alerts(2)
    found = plan(of(pushes), "remote", now)
    values = {"key": uuid.uuid4(), "plan": found, "address": "", "rate": 10}
    order = bulk.BulkOrder(**values, by=people.person("support"))
    assert bulk.start(order, now) == bulk.start(order, now)
    assert BulkItem.objects.count() == 2
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("bulk.start", "2 pushes")


def test_two_people_cannot_resend_the_same_push():
    now, pushes = timezone.now(), alerts(2)
    both = plan(of(pushes), "remote", now)
    started(pushes[:1], now)
    second = bulk.BulkOrder(
        key=uuid.uuid4(), plan=both, address="", rate=10, by=people.person("admin")
    )
    with pytest.raises(CannotSend, match="look again"):
        bulk.start(second, now)
    assert Bulk.objects.count() == 1
    later = plan(of(pushes), "remote", now)
    assert [line.push for line in later.sent] == pushes[1:]
    item = BulkItem.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        BulkItem.objects.create(bulk=item.bulk, push=item.push, push_type="alert")


def test_nothing_leaves_in_the_undo_window_and_then_at_the_rate():
    now, pushes = timezone.now(), alerts(7)
    found = started(pushes, now, rate=5)
    assert bulk.work_off(now + 4 * SECOND) == 0
    assert bulk.work_off(now + UNDO) == 4
    assert bulk.work_off(now + UNDO) == 0, "two workers keep one rate"
    assert bulk.work_off(now + UNDO + SECOND) == 3
    found.refresh_from_db()
    assert found.state == "done"
    resent = Push.objects.filter(origin="resend")
    assert {push.resend_of for push in resent} == set(pushes)
    assert AuditEntry.objects.filter(action="push.resend").count() == 7


def test_a_stopped_bulk_sends_no_more():
    now, pushes = timezone.now(), alerts(3)
    found = started(pushes, now, rate=1)
    bulk.work_off(now + UNDO)
    assert bulk.cancel(found, people.person("support"), now + UNDO) == 2
    assert bulk.work_off(now + UNDO + 5 * SECOND) == 0
    assert bulk.cancel(found, people.person("support"), now) is None
    assert Push.objects.filter(origin="resend").count() == 1
    assert plan(of(pushes), "remote", now + timedelta(minutes=5)).sent


def test_a_stopped_bulk_says_how_many_left_and_shows_these_first():
    now, pushes = timezone.now(), alerts(4)
    found = started(pushes, now, rate=1)
    bulk.work_off(now + UNDO)
    bulk.cancel(found, people.person("support"), now + UNDO)
    page = people.browser_of("support").get(f"/bulks/{found.pk}/")
    progress = page.context["progress"]
    assert (progress.handled, progress.to_send, progress.percent) == (1, 4, 25)
    assert "Stopped: 1 of 4 sent" in page.content.decode()
    results = [row.item.result for row in progress.rows]
    assert results == ["queued", "cancelled", "cancelled", "cancelled"]


def test_each_row_is_looked_at_once_more_when_its_turn_comes():
    now, (push,) = timezone.now(), alerts(1)
    found = started([push], now)
    TokenHealth.objects.create(
        token=push.token, state="retired", reason="Unregistered", at=now
    )
    bulk.work_off(now + UNDO)
    item = found.items.get()
    assert (item.result, item.why) == ("refused", "The token is gone")
    assert not Push.objects.filter(origin="resend").exists()


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_the_pages_go_from_the_list_to_the_results():
    pushes, browser = alerts(2), people.browser_of("support")
    page = browser.get("/pushes/resend/?all=1&outcome=rejected")
    assert page.context["sendable"] == 2
    assert page.content.count(b'href="/pushes/?outcome=rejected"') == 2
    form = {"key": page.context["key"], "asked": page.context["asked"]}
    form |= {"kind": "remote", "rate": 10}
    wrong = browser.post("/pushes/resend/start/", form | {"typed": 3})
    assert (wrong.status_code, Bulk.objects.count()) == (422, 0)
    answer = browser.post("/pushes/resend/start/", form | {"typed": 2})
    again = browser.post("/pushes/resend/start/", form | {"typed": 2})
    assert answer["Location"] == again["Location"]
    assert Bulk.objects.get().address == "outcome=rejected"
    bulk.work_off(timezone.now() + 6 * SECOND)
    assert b"2 of 2" in browser.get(answer["Location"]).content
    file = b"".join(browser.get(answer["Location"] + "results.csv"))
    lines = file.decode().splitlines()
    assert len(lines) == 3
    assert str(pushes[0].pk) in lines[1] + lines[2]


def test_a_single_resend_waits_for_its_undo_and_then_never_leaves():
    (push,) = alerts(1)
    browser = people.browser_of("support")
    browser.post(f"/pushes/{push.pk}/resend/", {"push_type": "alert"})
    new = Push.objects.get(resend_of=push)
    assert new.due_at - new.created_at == UNDO
    assert b"Undo" in browser.get(f"/pushes/{new.pk}/").content
    browser.post(f"/pushes/{new.pk}/withdraw/")
    new.refresh_from_db()
    assert new.state == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_clicks_at_the_same_moment_are_one_bulk_and_two_people_are_not_two():
    now, pushes = timezone.now(), alerts(3)
    found = plan(of(pushes), "remote", now)
    # Of rights, not of groups: a test that empties the database may have been here before.
    key, support, admin = (
        uuid.uuid4(),
        person("support", "resend"),
        person("admin", "resend"),
    )

    def click(by, key):
        values = {"key": key, "plan": found, "address": "", "rate": 10}
        try:
            return bulk.start(bulk.BulkOrder(**values, by=by), now).pk
        except CannotSend:
            return None
        finally:
            connection.close()

    orders = [(support, key)] * 4 + [(admin, uuid.uuid4()) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda order: click(*order), orders))
    assert len({pk for pk in made if pk}) == 1
    assert Bulk.objects.count() == 1
    assert BulkItem.objects.count() == 3
    assert AuditEntry.objects.filter(action="bulk.start").count() == 1


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_what_is_left_out_is_a_file_with_the_reasons():
    push, other = alerts(2)
    other.device.holdings.update(current=False)
    browser = people.browser_of("support")
    page = browser.get("/pushes/resend/?all=1&outcome=rejected&kind=alert")
    address = page.context["address"]
    assert f"left-out.csv?{address.replace('&', '&amp;')}" in page.content.decode()
    file = b"".join(browser.get(f"/pushes/resend/left-out.csv?{address}")).decode()
    (_, line) = file.splitlines()
    assert line.startswith(str(other.pk))
    assert line.endswith("alert,The device holds no token for it")
    assert str(push.pk) not in file
