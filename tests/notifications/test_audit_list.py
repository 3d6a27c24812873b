"""The Audit page: found by person, action, time and object; paged, exported, for admins."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import audit
from notifications.models import AuditEntry
from tests.notifications import people
from tests.people import person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
]


def entry(action: str, subject: str, *, by: str = "support", days: int = 0, **values):
    """Something that person did so many days ago."""
    moment = timezone.now() - timedelta(days=days, minutes=1)
    return audit.note(people.person(by), action, subject, moment, **values)


def found(query: str = "") -> list[AuditEntry]:
    answer = people.browser_of("admin").get(f"/audit/?{query}")
    return answer.context["list"].rows


def test_who_resent_what_last_week():
    resent = entry("push.resend", "sip:alice@example.org", days=6)
    entry("push.resend", "sip:bob@example.org", days=8)
    entry("token.reveal", "sip:alice@example.org")
    page = people.browser_of("admin").get("/audit/")
    (address,) = [
        address
        for label, address, _ in page.context["list"].questions
        if label == "Who resent what"
    ]
    assert found(address) == [resent]


@pytest.mark.parametrize(
    "query",
    [
        "who=SUPPORT-person",
        "what=push.resend",
        "what=push",
        "q=alice",
        "q=4711",
        "q=0b0e5a51-0000-4000-8000-000000000001",
        "who=support-person&what=push.resend&q=alice&span=24h",
    ],
)
def test_an_entry_is_found_by_person_action_object_reason_and_push(query):
    push = "0b0e5a51-0000-4000-8000-000000000001"
    one = entry("push.resend", "sip:alice@example.org", reason="ticket 4711", push=push)
    entry("app.change", "org.example.phone", by="admin")
    assert found(query) == [one]


def test_pages_go_both_ways_and_keep_the_filters():
    for number in range(60):
        entry("push.test", f"sip:phone{number}@example.org")
    entry("app.change", "org.example.phone", by="admin")
    browser = people.browser_of("admin")
    first = browser.get("/audit/?what=push.test").context["list"]
    second = browser.get(f"/audit/?{first.older}").context["list"]
    assert (len(first.rows), len(second.rows), second.older) == (50, 10, "")
    back = browser.get(f"/audit/?{second.newer}").context["list"]
    assert back.rows == first.rows


def test_an_export_holds_what_is_shown_and_is_audited_itself():
    entry("push.resend", "=cmd()", reason="ticket", push="x")
    entry("token.reveal", "sip:bob@example.org")
    browser = people.browser_of("admin")
    sheet = b"".join(browser.get("/export/audit.csv?what=push.resend")).decode()
    (row,) = csv.DictReader(io.StringIO(sheet))
    assert (row["who"], row["object"]) == ("support-person", "'=cmd()")
    assert row["detail"] == "push=x"
    assert AuditEntry.objects.filter(action="export.audit").count() == 1


def test_the_right_to_export_alone_does_not_give_the_audit_trail(client):
    client.force_login(person("eve", "see", "export"))
    assert client.get("/export/audit.csv").status_code == 403
    assert client.get("/export/pushes.csv").status_code == 200
