"""The inbox of malformed registrations, as a person reads it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from notifications.consequences import CONSEQUENCES, MAYBE, consequence_of
from notifications.malformed_list import inbox
from registrations.models import Feed, Malformed
from tests.notifications import people
from tests.registrations.logs import MORNING

pytestmark = pytest.mark.django_db
REGISTER = (
    "REGISTER sip:e.org SIP/2.0\r\nTo: <sip:{name}@e.org>\r\nCall-ID: {name}\r\n"
    "CSeq: 1 REGISTER\r\nUser-Agent: {agent}\r\nContact: <sip:{name}@192.0.2.1;"
    "pn-provider=apns;pn-param=T.org.example.app.voip&remote;pn-prid={prid}>\r\n\r\n"
)
TOKEN = "a1" * 32


def case(rule: str, app: str, *, hours: int = 0, count: int = 1) -> Malformed:
    feed, _ = Feed.objects.get_or_create(name="proxy")
    seen = MORNING + timedelta(hours=hours)
    return Malformed.objects.create(
        feed=feed, rule=rule, app=app, detail=rule, count=count, last_seen_at=seen
    )


def test_cases_stand_under_their_rule_the_newest_rule_first():
    case("token_count", "LinphoneiOS/5.2.0", count=3)
    case("pn_prid_syntax", "LinphoneiOS/5.1.0", hours=1)
    case("token_count", "LinphoneiOS/5.2.1", hours=2)
    found = inbox({})
    assert [rule.rule for rule in found.rules] == ["token_count", "pn_prid_syntax"]
    assert [one.app for one in found.rules[0].cases] == [
        "LinphoneiOS/5.2.1",
        "LinphoneiOS/5.2.0",
    ]
    assert (found.rules[0].count, found.count) == (4, 5)


def test_a_word_finds_rules_apps_and_feeds():
    case("token_count", "LinphoneiOS/5.2.0")
    case("value_too_long", "Acme/1.0")
    assert [rule.rule for rule in inbox({"q": "acme"}).rules] == ["value_too_long"]
    assert [rule.rule for rule in inbox({"q": "count"}).rules] == ["token_count"]
    assert len(inbox({"q": "PROXY"}).rules) == 2
    assert inbox({"q": "nothing"}).rules == []
    assert not inbox({"q": "nothing"}).is_empty


def test_the_page_says_what_flexisip_does_and_shows_an_example_without_tokens(tmp_path):
    log = tmp_path / "plain.log"
    agent = "LinphoneiOS/5.2.0 (iPhone) LinphoneSDK/5.2"
    log.write_text(REGISTER.format(name="eve", agent=agent, prid=f"{TOKEN}:voip"))
    call_command("ingest", str(log), stderr=StringIO())
    page = people.browser_of("ops").get("/malformed/").content.decode()
    assert "token_count" in page
    assert "never pushes to this device" in page
    assert "LinphoneiOS/5.2.0" in page
    assert "a1a1a1…a1a1" in page
    assert TOKEN not in page


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_the_inbox_is_exported_as_the_search_leaves_it_without_tokens():
    case("token_count", "LinphoneiOS/5.2.0", hours=1, count=3)
    other = case("value_too_long", "Acme/1.0")
    other.example = f"Contact: <sip:a@192.0.2.1;pn-prid={TOKEN}:voip>"
    other.save(update_fields=["example"])
    browser = people.browser_of("admin")
    lines = b"".join(browser.get("/export/malformed.ndjson")).splitlines()
    assert [json.loads(line)["rule"] for line in lines] == [
        "value_too_long",
        "token_count",
    ]
    assert json.loads(lines[1]) == {
        "rule": "token_count",
        "app": "LinphoneiOS/5.2.0",
        "feed": "proxy",
        "messages": 3,
        "first_seen_at": None,
        "last_seen_at": (MORNING + timedelta(hours=1)).isoformat(),
        "flexisip": "",
        "detail": "token_count",
        "example": "",
    }
    sheet = b"".join(browser.get("/export/malformed.csv?q=acme")).decode()
    assert "token_count" not in sheet
    assert "a1a1a1…a1a1" in sheet and TOKEN not in sheet
    page = browser.get("/malformed/?q=acme").content.decode()
    assert "/export/malformed.csv?q=acme" in page


def test_an_empty_inbox_says_so():
    page = people.browser_of("ops").get("/malformed/").content.decode()
    assert "No malformed registration" in page


def test_every_rule_of_the_push_parameters_has_its_consequence():
    assert consequence_of("never heard of") == MAYBE
    assert all(words.endswith(".") for words in CONSEQUENCES.values())
