"""The search box: what people paste leads to the one page it names."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

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
