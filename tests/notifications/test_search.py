"""The search box: what people paste leads to the one page it names."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from notifications.models import Attempt, Push
from notifications.models.attempts import OF_ANOTHER
from notifications.search import bare
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ('"Karl" <sip:karl@x.org;transport=tls>;tag=1', "sip:karl@x.org"),
        ("To: <SIP:karl@x.org>", "SIP:karl@x.org"),
        (
            '"<urn:uuid:6d1380af-6ec5-4be8-a6b0-b21db2aecee1>"',
            "urn:uuid:6d1380af-6ec5-4be8-a6b0-b21db2aecee1",
        ),
        ("seen:<24h strikes:>2", "seen:<24h strikes:>2"),
        ("karl", "karl"),
        ("<>", "<>"),
    ],
)
def test_an_address_is_read_out_of_the_header_it_was_copied_from(pasted, found):
    assert bare(pasted) == found


def test_a_pasted_name_and_address_leads_to_its_device():
    device = factories.registered_device("sip:karl@x.org")
    answer = people.browser_of("ops").get("/search/", {"q": '"Karl" <sip:karl@x.org>'})
    assert answer["Location"] == reverse("notifications:device", args=[device.pk])


def test_the_beginning_of_a_push_id_leads_to_the_push_that_begins_so():
    push = factories.accepted_push(factories.registered_device(), timezone.now())
    browser = people.browser_of("ops")
    for text in (str(push.pk)[:8], str(push.pk)[:8].upper(), str(push.pk)[:18]):
        answer = browser.get("/search/", {"q": text})
        assert answer["Location"] == f"/pushes/{push.pk}/"
    nothing = browser.get("/search/", {"q": "f0f0f0f0"})
    assert nothing["Location"] == "/devices/?q=f0f0f0f0"


THEIRS = "0e5c0000-0000-4000-8000-000000000001"


def observed(apns_id: str = THEIRS) -> Push:
    """A push that APNs gave an id which is not ours."""
    push = factories.accepted_push(factories.registered_device(), timezone.now())
    Attempt.objects.create(
        push=push,
        number=1,
        started_at=push.sent_at,
        ended_at=push.ended_at,
        outcome="accepted",
        status=200,
        apns_id=apns_id,
    )
    return push


@pytest.mark.parametrize("text", [THEIRS, THEIRS.upper(), THEIRS.replace("-", "")])
def test_the_apns_id_of_a_sip_server_leads_to_its_push(text):
    observed("0e5c0000-0000-4000-8000-000000000002")
    push = observed()
    answer = people.browser_of("ops").get("/search/", {"q": text})
    assert answer["Location"] == f"/pushes/{push.pk}/"
    page = people.browser_of("ops").get("/pushes/", {"q": text}).context["list"]
    assert [row.row.push for row in page.rows] == [push]


def test_ids_of_sip_servers_are_found_by_an_index_that_holds_no_others():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    theirs = Attempt.objects.order_by().filter(OF_ANOTHER, apns_id=THEIRS)
    assert "attempt_of_another" in theirs.explain()


def led(text: str) -> str:
    return people.browser_of("ops").get("/search/", {"q": text})["Location"]


def forked(call_id: str) -> list[Push]:
    """One call's pushes to two phones."""
    now = timezone.now() - timedelta(days=3)
    phones = [factories.registered_device("sip:karl@x.org") for _ in range(2)]
    return [factories.accepted_push(one, now, call_id=call_id) for one in phones]


@pytest.mark.parametrize("call_id", ["c4-11@x.org", "-1", "type:voip@x", "is:5<7>%20"])
def test_the_call_id_of_a_fork_leads_to_all_its_pushes(call_id):
    factories.accepted_push(factories.registered_device(), timezone.now())
    pushes = forked(call_id)
    address = led(call_id)
    assert address.startswith("/pushes/?")
    page = people.browser_of("ops").get(address).context["list"]
    assert page.faults == ()
    assert {row.row.push for row in page.rows} == set(pushes)


def test_the_address_of_a_fork_is_plain():
    forked("c4-11")
    assert led("c4-11") == "/pushes/?q=c4-11&span=all"


def test_a_call_id_of_one_phone_leads_to_its_newest_push():
    device, now = factories.registered_device(), timezone.now()
    older = now - timedelta(minutes=1)
    factories.accepted_push(device, older, call_id="c4-11")
    newest = factories.accepted_push(device, now, call_id="c4-11")
    assert led("c4-11") == f"/pushes/{newest.pk}/"


def test_a_beginning_of_a_call_id_leads_to_pushes():
    forked("c4-11@x.org")
    assert led("c4-1") == "/pushes/?q=c4-1&span=all"


def test_a_beginning_of_several_ids_leads_to_pushes():
    pushes = forked("c4-11")
    tails = ("-0000-4000-8000-000000000001", "-0000-4000-8000-000000000002")
    for push, tail in zip(pushes, tails, strict=True):
        Push.objects.filter(pk=push.pk).update(id=UUID(f"abcdef01{tail}"))
    address = led("ABCDEF01")
    assert address == "/pushes/?q=ABCDEF01&span=all"
    assert len(people.browser_of("ops").get(address).context["list"].rows) == 2
    assert led("abcdef01" + tails[0][:12]).startswith("/pushes/?")
    assert led("abcdef01" * 4 + "a") == "/devices/?q=" + "abcdef01" * 4 + "a"
    assert led("abcdef01" + tails[0]) == f"/pushes/abcdef01{tails[0]}/"


def test_a_token_leads_to_its_device_by_its_ends_as_a_log_or_a_list_has_them():
    device = factories.registered_device()
    factories.registered_device()
    token = factories.token_of(device)
    token.token = f"c0ffee{token.token[6:-6]}facade"
    token.save(update_fields=["token"])
    ends = ("c0ffee", "C0FFEE", token.token[:12], "facade", token.token[-12:])
    for text in (*ends, token.masked, "c0ffee…facade", token.token):
        assert led(text) == f"/devices/{device.pk}/", text


def test_a_whole_user_part_wins_over_those_that_begin_with_it():
    alice = factories.registered_device("sip:alice@x.org")
    factories.registered_device("sip:alice2@x.org")
    there = reverse("notifications:device", args=[alice.pk])
    assert [led("alice"), led("Alice"), led("sip:alice@x.org")] == [there] * 3
    assert led("alic") == "/devices/?q=alic"
    factories.registered_device("sip:alice@y.org")
    assert led("alice") == "/devices/?q=alice"


def test_a_search_without_a_hit_says_what_was_looked_through():
    page = people.browser_of("ops").get("/devices/?q=nobody").content.decode()
    assert "Looked through: AORs, instance-ids and tokens" in page
    assert "Call-IDs and ids of pushes" in page
