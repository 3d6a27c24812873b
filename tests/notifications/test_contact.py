"""A Contact taken apart: every parameter explained, no token in clear."""

from __future__ import annotations

import pytest

from notifications.contact import masked_contact, parameters_of
from registrations.models import Device

TOKEN = "00fc13" + "a" * 54 + "8512"


def device(contact: str, instance_id: str | None = "urn:uuid:1") -> Device:
    return Device(contact=contact, instance_id=instance_id)


def notes(found: Device) -> dict[str, tuple[str, str]]:
    return {one.name: (one.value, one.note) for one in parameters_of(found)}


def test_each_parameter_stands_with_what_it_means():
    found = notes(device("sip:a@b;pn-provider=apns.dev;pn-timeout=0;transport=tls"))
    assert found["uri"] == ("sip:a@b", "Where the server reaches the phone")
    assert found["pn-provider"][1].startswith("Sandbox")
    assert found["pn-timeout"] == ("0", "Seconds the proxy waits before it pushes")
    assert found["+sip.instance"][0] == "urn:uuid:1"


def test_no_parameter_stands_without_a_word():
    rows = parameters_of(device("sip:a@b;pn-mwi-str=MWI;x-own=1;ob"))
    assert all(one.note for one in rows)
    said = {one.name: one.note for one in rows}
    assert said["x-own"] == "Not known to pushdash; kept as sent"


def test_two_tokens_are_masked_and_counted():
    found = notes(device(f"sip:a@b;pn-prid={TOKEN}:voip&{TOKEN}:remote"))
    value, note = found["pn-prid"]
    assert value == "00fc13…8512:voip&00fc13…8512:remote"
    assert note == "Two tokens, one a service"


@pytest.mark.parametrize(
    "secret",
    [TOKEN, TOKEN.upper(), "cX_9-" + "Zk3" * 40, "dLx:APA91b" + "q" * 130],
)
@pytest.mark.parametrize("name", ["pn-prid", "pn-tok", "PN-PRID"])
def test_no_token_of_any_push_service_is_shown(name, secret):
    found = device(f"sip:a@b;{name}={secret}")
    core = secret.partition(":")[2] or secret
    assert core not in masked_contact(found)
    assert all(core not in one.value for one in parameters_of(found))


def test_a_device_without_instance_says_what_that_means():
    found = notes(device("sip:a@b", None))
    assert found["+sip.instance"] == (
        "none",
        "A reinstall cannot be told from another phone",
    )


def test_a_device_without_contact_shows_no_uri():
    assert "uri" not in notes(device(""))


def test_a_parameter_that_breaks_a_rule_names_it_and_says_what_to_send():
    detail = "syntax of 'pn-prid' is invalid: a token without ':voip' or ':remote'"
    found = device(f"sip:a@b;pn-timeout=0;pn-prid={TOKEN}:voip&{TOKEN}")
    found.problems = [{"rule": "token_unlabelled", "detail": detail}]
    rows = {one.name: one for one in parameters_of(found)}
    assert rows["pn-prid"].is_broken and not rows["pn-timeout"].is_broken
    assert "token_unlabelled" in rows["pn-prid"].note
    assert "pn-prid=TOKEN:voip&TOKEN:remote" in rows["pn-prid"].note
    assert "Two tokens" not in rows["pn-prid"].note


def test_a_rule_of_any_parameter_flags_the_one_it_names():
    found = device("sip:a@b;pn-msg-str=M;pn-provider=apns;pn-provider=apns")
    twice = "pn-provider stands twice; the first counts"
    found.problems = [{"rule": "parameter_twice", "detail": twice}]
    broken = [one.name for one in parameters_of(found) if one.is_broken]
    assert set(broken) == {"pn-provider"}
