"""The page where lines of a log are tried: what is read of them, and that nothing stays."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from registrations.models import Device, Feed, Malformed, Sighting
from registrations.trying import MOST_BYTES
from tests.notifications import people
from tests.registrations.logs import VOIP, contact
from tests.registrations.test_trying import log_of

pytestmark = pytest.mark.django_db
PATH = "/settings/sources/try/"


def read(lines: str) -> str:
    # As a form sends them.
    given = {"lines": lines.replace("\n", "\r\n")}
    answer = people.browser_of("ops").post(PATH, given)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_says_format_device_answer_and_masked_tokens():
    page = read(log_of(1).decode())
    for words in ("Format: flexisip", "sip:alice@example.org", "answered 200"):
        assert words in page
    assert "voip <code>a1a1a1…a1a1</code>" in page
    result = page.partition('id="tried"')[2].partition("</section>")[0]
    assert VOIP not in result
    for model in (Device, Feed, Malformed, Sighting):
        assert not model.objects.exists()


def test_it_names_the_rule_that_a_contact_breaks():
    broken = contact().replace(":remote;pn-provider", ";pn-provider")
    page = read(log_of(1, contacts=(broken,)).decode())
    assert "Broken rules" in page


def test_no_log_no_register_and_nothing_typed_are_told_apart():
    assert "No line looks like a known log" in read("once upon a time\n" * 50)
    answer = people.browser_of("ops").post(PATH, {"lines": ""})
    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()
    answer = people.browser_of("ops").post(PATH, {"lines": "x" * (MOST_BYTES + 1)})
    assert answer.status_code == 422
    line = log_of(1).decode().partition("REGISTER")[0] + "something else\n"
    assert "No REGISTER that was received" in read(line * 30)


def test_what_describes_the_field_is_on_the_page():
    for given in (None, {"lines": ""}):
        browser = people.browser_of("ops")
        answer = browser.get(PATH) if given is None else browser.post(PATH, given)
        page = answer.content.decode()
        (described,) = re.findall(r'aria-describedby="([^"]*)"', page)
        assert all(f' id="{one}"' in page for one in described.split())


def test_it_takes_a_login_with_the_right_to_see():
    assert Client().get(PATH).status_code == 302
    assert people.browser_of("ops").get(PATH).status_code == 200
    browser = Client()
    nobody = User.objects.create_user("nobody")
    browser.force_login(nobody, backend="pushdash.logins.Logins")
    assert browser.get(PATH).status_code == 403
    assert browser.post(PATH, {"lines": "x"}).status_code == 403


def test_settings_tell_how_each_kind_is_connected_and_lead_to_it():
    page = people.browser_of("ops").get("/settings/").content.decode()
    assert f'href="{PATH}"' in page
    for command in ("ingest --follow", "listen_hep", "watch_registrar", "feed_token"):
        assert command in page
