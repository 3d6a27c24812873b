"""The Audit page: found by person, action, time and object; paged, exported, for admins."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from notifications import audit, audit_list, exports
from notifications.models import AuditEntry
from notifications.wording import ACTIONS
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
    return answer.context["list"].entries.page.rows


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
        "q=who:SUPPORT-person",
        "q=action:push.resend",
        "q=action:push",
        "q=-action:app.change",
        "q=object:alice",
        "q=object:sip:ALICE@example.org",
        'q=reason:"ticket 4711"',
        "q=at:<1h",
        "q=alice",
        "q=4711",
        "q=0b0e5a51-0000-4000-8000-000000000001",
        "q=who:support-person+action:push.resend+alice+-object:bob&span=24h&sort=oldest",
    ],
)
def test_an_entry_is_found_by_person_action_object_reason_and_push(query):
    push = "0b0e5a51-0000-4000-8000-000000000001"
    one = entry("push.resend", "sip:alice@example.org", reason="ticket 4711", push=push)
    moment = timezone.now() - timedelta(hours=2)
    audit.note(people.person("admin"), "app.change", "org.example.phone", moment)
    assert found(query) == [one]


def test_pages_go_both_ways_and_keep_the_filters():
    for number in range(60):
        entry("push.test", f"sip:phone{number}@example.org")
    entry("app.change", "org.example.phone", by="admin")
    browser = people.browser_of("admin")
    page = "/audit/"
    for query, path in (("q=action:push.test", page), ("tab=activity", "/failures/")):

        def shown(query, path=path):
            found = browser.get(f"{path}?{query}").context["list"].entries.page
            return found, [one.pk for one in found.rows]

        first, newest = shown(f"{query}&rows=25")
        second, older = shown(first.older)
        assert (len(newest), len(older)) == (25, 25)
        assert "rows=25" in second.older
        assert not set(newest) & set(older)
        assert shown(second.newer)[1] == newest
        oldest = shown(f"{query}&sort=oldest&rows=200")[1]
        assert len(oldest) == len(shown(f"{query}&rows=200")[1]) >= 60
        assert oldest[::-1][:25] == newest


def test_a_typed_range_is_shown_and_exported():
    """On Audit, and from the tab of Failures, whose usual span is another."""
    now = timezone.now()
    for days in (1, 20, 40):
        moment = now - timedelta(days=days)
        audit.note(people.person("support"), "push.test", f"{days}", moment)
    part = {"from": now - timedelta(days=30), "to": now - timedelta(days=10)}
    asked = urlencode({name: f"{at:%Y-%m-%dT%H:%MZ}" for name, at in part.items()})
    assert [one.subject for one in found(asked)] == ["20"]
    browser = people.browser_of("admin")
    page = browser.get(f"/failures/?tab=activity&{asked}")
    name, address = page.context["list"].export
    sheet = b"".join(browser.get(f"/export/{name}.csv?{address}")).decode()
    assert [row["object"] for row in csv.DictReader(io.StringIO(sheet))] == ["20"]
    assert browser.get("/export/audit.csv?from=soon").status_code == 400
    assert b"soon is no moment" in browser.get("/audit/?from=soon").content


def test_what_cannot_be_read_is_said_and_nothing_is_shown():
    entry("push.test", "sip:alice@example.org")
    page = people.browser_of("admin").get("/audit/?q=whom:anna").content.decode()
    assert "Did you mean who:?" in page
    assert "This query cannot be read" in page
    answer = people.browser_of("admin").get("/export/audit.csv?q=action:nothing")
    assert answer.status_code == 400


def test_a_part_of_a_reason_is_looked_for_among_the_newest(monkeypatch):
    monkeypatch.setattr(audit_list, "LOOKED", 2)
    for days in range(5):
        entry("push.test", "sip:alice@example.org", days=days, reason="ticket")
    assert len(found("q=reason:tick")) == 3
    assert len(found("q=object:alice")) == 5
    page = people.browser_of("admin").get("/audit/?q=tick").content.decode()
    assert "were looked for among the newest" in page


def test_each_action_of_the_house_can_be_asked_for():
    """In the words of the code: what is noted, and what is exported."""
    noted = {f"export.{name}" for name in exports.LISTS}
    for path in Path("notifications").glob("*.py"):
        noted |= set(re.findall(r'note\([^()]*?"([a-z_]+\.[a-z_]+)"', path.read_text()))
    assert len(noted) > 15
    assert noted - ACTIONS.keys() == set()


def test_an_export_holds_what_is_shown_and_is_audited_itself():
    entry("push.resend", "=cmd()", reason="ticket", push="x")
    entry("token.reveal", "sip:bob@example.org")
    browser = people.browser_of("admin")
    sheet = b"".join(browser.get("/export/audit.csv?q=action:push.resend")).decode()
    (row,) = csv.DictReader(io.StringIO(sheet))
    assert (row["who"], row["object"]) == ("support-person", "'=cmd()")
    assert row["detail"] == "push=x"
    assert AuditEntry.objects.filter(action="export.audit").count() == 1


def test_the_right_to_export_alone_does_not_give_the_audit_trail(client):
    client.force_login(person("eve", "see", "export"))
    assert client.get("/export/audit.csv").status_code == 403
    assert client.get("/export/pushes.csv").status_code == 200
