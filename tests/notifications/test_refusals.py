"""What was refused is counted and shown, without anybody's secret."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import refusals
from notifications.gateway_forms import Refused
from notifications.models import Refusal, RefusalCount
from notifications.refusals import Caller, keep_refusal
from tests.notifications import people

pytestmark = pytest.mark.django_db
SECRET = "s3cret-" + "x" * 36
TOKEN = "0f" * 32
CALLER = Caller("url", "192.0.2.9")


def refuse(why: str = "the token is not hex", asked=None, now=None, caller=CALLER):
    keep_refusal(Refused(400, why), caller, asked or {}, now or timezone.now())


def test_the_page_says_what_was_asked_from_where_why_and_how_often():
    for _ in range(3):
        refuse(asked={"to-uri": "sip:<b>bob@example.org", "token": TOKEN})
    page = people.browser_of("ops").get("/failures/?tab=refused").content.decode()
    for words in ("192.0.2.9", "the token is not hex", "Flexisip, URL form", "0f0f0f"):
        assert words in page
    assert '<td class="end num">3</td>' in page
    assert TOKEN not in page
    assert "<b>bob" not in page


def test_secrets_and_tokens_are_masked_wherever_they_stand():
    refuse(
        f"no app {SECRET}",
        {"api-key": "short", "x": [SECRET], SECRET: 1, "uid": TOKEN, "token": "ab" * 4},
    )
    row = Refusal.objects.get()
    for word in (SECRET, TOKEN, "short", "ab" * 4):
        assert word not in str(row.asked) + row.why


def test_the_same_from_the_same_caller_is_one_row_and_others_are_not():
    for caller in (CALLER, CALLER, Caller("url", "192.0.2.8"), Caller("api", "")):
        refuse(caller=caller)
    assert sorted(row.number for row in Refusal.objects.all()) == [1, 1, 2]
    assert {(one.door, one.number) for one in RefusalCount.objects.all()} == {
        ("url", 3),
        ("api", 1),
    }


def test_the_newest_are_kept_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(refusals, "KEPT", 3)
    now = timezone.now()
    for second in range(6):
        refuse(f"reason {second}", now=now + timedelta(seconds=second))
    assert [row.why[-1] for row in Refusal.objects.all()] == ["5", "4", "3"]
    assert sum(row.number for row in RefusalCount.objects.all()) == 6


def test_counts_end_after_ninety_days():
    now = timezone.now()
    refuse(now=now - timedelta(days=91))
    refuse(now=now)
    assert RefusalCount.objects.count() == 1
