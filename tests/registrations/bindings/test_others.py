"""Kamailio's, OpenSIPS' and Asterisk's listings in the forms no corpus holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from registrations.bindings import UnknownListing, read_listing

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
URI = "sip:bob@192.0.2.7:5060;pn-provider=apns;pn-prid=" + "c3" * 32
INSTANCE = "urn:uuid:5b1e0000-0000-4000-8000-000000000022"


def listed(text: str, name: str | None = None):
    return list(read_listing(name, text, taken_at=NOW, domain="example.org"))


def kamailio(**changes) -> dict:
    contact = {
        "Address": URI,
        "Expires": 3581,
        "Call-ID": "n1",
        "CSeq": 21,
        "User-Agent": "Phone",
        "Path": "[not set]",
        "Instance": f"<{INSTANCE}>",
        "Last-Modified": 1795510800,
        **changes,
    }
    info = {"AoR": "bob@sip.example.org", "Contacts": [{"Contact": contact}]}
    domain = {"Domain": "location", "AoRs": [{"Info": info}], "Stats": {"Records": 1}}
    return {"jsonrpc": "2.0", "result": {"Domains": [{"Domain": domain}]}, "id": 1}


def test_kamailios_json_gives_the_same_as_its_text():
    (binding,) = listed(json.dumps(kamailio()))
    assert binding.aor == "sip:bob@sip.example.org"
    assert binding.contact == f'<{URI}>;+sip.instance="<{INSTANCE}>"'
    assert binding.expires_at == NOW + timedelta(seconds=3581)
    assert binding.updated_at == NOW
    assert (binding.call_id, binding.cseq, binding.path) == ("n1", 21, None)


@pytest.mark.parametrize(
    ("expires", "expires_at"), [("permanent", None), ("expired", NOW), ("deleted", NOW)]
)
def test_kamailios_words_for_an_expiry(expires, expires_at):
    (binding,) = listed(json.dumps(kamailio(Expires=expires)))
    assert binding.expires_at == expires_at


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"Expires": "soon"}, "Expires"),
        ({"Expires": None}, "expiry_missing"),
        ({"Expires": 10**30}, "Expires"),
        ({"Address": "<sip:a>b"}, "contact_uri"),
        ({"CSeq": "x"}, "CSeq"),
        ({"Last-Modified": "yesterday"}, "Last-Modified"),
    ],
)
def test_an_entry_of_kamailio_that_is_no_binding_is_named(changes, rule):
    assert [one.rule for one in listed(json.dumps(kamailio(**changes)))] == [rule]


def test_opensips_json_and_the_older_text_are_read_too():
    contact = {
        "Contact": URI,
        "Expires": 60,
        "Callid": "n1",
        "Cseq": 3,
        "User-agent": "P",
        "SIP_instance": f"<{INSTANCE}>",
    }
    aors = [{"AOR": "bob", "Contacts": [contact]}]
    (binding,) = listed(json.dumps({"Domains": [{"name": "location", "AORs": aors}]}))
    assert (binding.aor, binding.cseq) == ("sip:bob@example.org", 3)
    assert binding.instance == INSTANCE
    old = (
        "Domain:: location table=512 records=1\n\tAOR:: bob\n"
        f"\t\tContact:: {URI} Q=\n\t\t\tExpires:: 60\n\t\t\tCallid:: n1\n\t\t\tCseq:: 3\n"
        f"\t\tContact:: {URI};x Q=\n\t\t\tExpires:: 90\n\t\t\tCallid:: n2\n\t\t\tCseq:: 4\n"
    )
    first, second = listed(old)
    assert (first.call_id, second.call_id) == ("n1", "n2")
    assert first.contact == f"<{URI}>"
    assert second.expires_at == NOW + timedelta(seconds=90)


def asterisk(value: str, name: str = "bob") -> str:
    return f"/registrar/contact/{name};@6c313587067e37065736b2f56319609b: {value}\n"


def test_asterisks_broken_values_are_named_and_the_rest_is_read():
    good = json.dumps({"uri": URI.replace(";", "^3B"), "expiration_time": "1795514400"})
    text = (
        asterisk("{")
        + asterisk("[1]")
        + asterisk('{"uri": "x", "expiration_time": "1795514400"}')
        + asterisk(json.dumps({"uri": URI}))
        + "/registrar/contact/odd\n"
        + asterisk(good, "bob@sip.example.org")
        + "6 results found.\n"
    )
    found = listed(text)
    assert [getattr(one, "rule", "binding") for one in found] == [
        "json",
        "entry_form",
        "contact_uri",
        "expiry_missing",
        "entry_form",
        "binding",
    ]
    assert found[-1].aor == "sip:bob@sip.example.org"
    assert found[-1].contact == f"<{URI}>"
    assert found[-1].expires_at == NOW + timedelta(hours=1)


def test_a_short_contact_stands_whole_in_asterisks_table():
    line = "  Contact:  bob/sip:bob@192.0.2.7:5060                  6c31358706 Avail  12.3\n"
    (binding,) = listed(line)
    assert binding.contact == "<sip:bob@192.0.2.7:5060>"
    assert (binding.aor, binding.expires_at) == ("sip:bob@example.org", None)


@pytest.mark.parametrize("text", ["", "hello\n", "{}", "\0\xff"])
def test_anything_else_is_no_listing(text):
    with pytest.raises(UnknownListing, match="kamailio-usrloc"):
        listed(text)
