"""The inbox of malformed registrations, as a person reads it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.http import QueryDict

from notifications import malformed_list
from notifications.consequences import (
    CONSEQUENCES,
    MAYBE,
    REMEDIES,
    consequence_of,
)
from notifications.malformed_list import Broken, Inbox, inbox
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
        feed=feed,
        rule=rule,
        app=app,
        detail=rule,
        count=count,
        first_seen_at=MORNING,
        last_seen_at=seen,
    )


def asked(values: dict) -> Inbox:
    return inbox(values, MORNING + timedelta(hours=4))


def test_cases_stand_under_their_rule_the_newest_rule_first():
    case("token_count", "LinphoneiOS/5.2.0", count=3)
    case("pn_prid_syntax", "LinphoneiOS/5.1.0", hours=1)
    case("token_count", "LinphoneiOS/5.2.1", hours=2)
    found = asked({})
    assert [rule.rule for rule in found.rules] == ["token_count", "pn_prid_syntax"]
    assert apps(found.rules[0]) == ["LinphoneiOS/5.2.1", "LinphoneiOS/5.2.0"]
    assert (found.rules[0].count, found.count) == (4, 5)


def apps(rule: Broken) -> list[str]:
    return [one.app for one in rule.cases]


def test_a_word_finds_rules_apps_and_feeds():
    case("token_count", "LinphoneiOS/5.2.0")
    case("value_too_long", "Acme/1.0")
    assert [rule.rule for rule in asked({"q": "acme"}).rules] == ["value_too_long"]
    assert [rule.rule for rule in asked({"q": "count"}).rules] == ["token_count"]
    assert len(asked({"q": "PROXY"}).rules) == 2
    assert asked({"q": "nothing"}).rules == []
    assert not asked({"q": "nothing"}).is_empty


@pytest.mark.parametrize(
    "query",
    [
        "rule:token_count",
        "app:linphoneios",
        "app:LinphoneiOS/5.2.0",
        "version:5.2",
        "feed:PROXY -rule:value_too_long",
        "messages:>=3",
        "seen:<2h",
        "rule:token_count version:5 count",
    ],
)
def test_cases_are_asked_for(query):
    case("token_count", "LinphoneiOS/5.2.0", hours=3, count=3)
    case("value_too_long", "Acme/5.20")
    assert [rule.rule for rule in asked({"q": query}).rules] == ["token_count"]


def test_what_cannot_be_read_is_said():
    case("token_count", "LinphoneiOS/5.2.0")
    browser = people.browser_of("admin")
    page = browser.get("/malformed/?q=rules:token_count").content.decode()
    assert "Did you mean rule:?" in page and "This query cannot be read" in page
    assert browser.get("/export/malformed.csv?q=rules:x").status_code == 400


def test_pages_go_both_ways_and_a_rule_counts_all_its_cases():
    for number in range(30):
        case("token_count", f"Acme/{number}", hours=number, count=number + 1)
    case("value_too_long", "Acme/9", hours=-1)
    first = asked({"rows": "25"})
    (rule,) = first.rules
    assert apps(rule) == [f"Acme/{number}" for number in range(29, 4, -1)]
    assert (rule.count, rule.number, rule.is_cut) == (465, 30, True)
    assert (first.count, first.number) == (466, 2)
    second = asked(QueryDict(first.page.older).dict())
    assert [one.rule for one in second.rules] == ["token_count", "value_too_long"]
    assert len(second.page.rows) == 6 and not second.page.older
    back = asked(QueryDict(second.page.newer).dict())
    assert back.page.rows == first.page.rows
    most = asked({"sort": "most"})
    assert most.page.rows[0].count == 30
    whole = asked(QueryDict(rule.address).dict() | {"rows": "100"})
    assert (whole.rules[0].is_cut, len(whole.rules[0].cases)) == (False, 30)


def test_the_newest_are_counted_and_looked_through(monkeypatch):
    monkeypatch.setattr(malformed_list, "LOOKED", 2)
    for number in range(5):
        case("token_count", f"Acme/{number}", hours=number)
    assert (asked({}).count, len(asked({}).page.rows)) == (2, 5)
    assert len(asked({"q": "acme"}).page.rows) == 2
    page = people.browser_of("ops").get("/malformed/").content.decode()
    assert "Numbers are of the newest" in page


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
    assert "(when it was read)" in page, "this log has no times"


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
        "first_seen_at": MORNING.isoformat(),
        "last_seen_at": (MORNING + timedelta(hours=1)).isoformat(),
        "estimated": False,
        "flexisip": "",
        "detail": "token_count",
        "example": "",
    }
    sheet = b"".join(browser.get("/export/malformed.csv?q=acme")).decode()
    assert "token_count" not in sheet
    assert "a1a1a1…a1a1" in sheet and TOKEN not in sheet
    page = browser.get("/malformed/?q=acme").content.decode()
    assert "/export/malformed.csv?q=acme" in page


def test_an_empty_inbox_says_whether_anything_was_read():
    browser = people.browser_of("ops")
    Feed.objects.create(name="proxy")
    page = browser.get("/malformed/").content.decode()
    assert "No REGISTER read yet" in page
    Feed.objects.update(register_count=3)
    page = browser.get("/malformed/").content.decode()
    assert "No malformed registration" in page


def test_every_rule_of_the_push_parameters_has_its_consequence():
    assert consequence_of("never heard of") == MAYBE
    assert all(words.endswith(".") for words in CONSEQUENCES.values())


def test_every_rule_says_what_the_app_must_send_and_leads_to_its_devices():
    assert set(REMEDIES) == set(CONSEQUENCES)
    case("token_count", "LinphoneiOS/5.2.0")
    page = people.browser_of("ops").get("/malformed/").content.decode()
    assert "one token for each service" in page
    assert 'href="/devices/?q=problem%3Atoken_count"' in page
