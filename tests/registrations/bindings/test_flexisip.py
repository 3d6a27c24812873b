"""What Flexisip keeps in Redis, and what REGISTRAR_GET prints of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from registrations.bindings import Binding, NotABinding, read_listing
from registrations.bindings.binding import Listing
from registrations.bindings.flexisip import read_value
from registrations.sip import read_contact

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
VOIP, REMOTE = "a1" * 32, "B2" * 32
INSTANCE = "urn:uuid:d5070000-0000-4000-8000-000000000001"
PUSH = (
    f"pn-prid={VOIP}:voip&{REMOTE}:remote;pn-provider=apns"
    ";pn-param=ABCD1234.org.example.phone.voip&remote"
)
URI = f"sip:alice@192.0.2.7:50412;transport=tls;{PUSH}"
PATH = "<sip:proxy.example.org;transport=tls;lr>"
HEADERS = f"path={quote(PATH, safe='')}&accept=x%2Fy&user-agent=Phone%2F5.2%20%28SDK%29"


def value(
    uri: str = URI,
    *,
    own: str = "fs-conn-id=a1b2;callid=x%40y;expires=3600;cseq=21"
    ";updatedAt=1795510800;alias=no;usedAsRoute=no",
    behind: str = f';+sip.instance="<{INSTANCE}>";+org.linphone.specs="lime"',
) -> str:
    return f"<{uri};{own}?{HEADERS}>{behind}"


def read(text: str, *, field: str = f'"<{INSTANCE}>"', key="fs:alice@sip.example.org"):
    return read_value(key, field, text, Listing(taken_at=NOW, domain="example.net"))


def test_a_stored_value_is_the_phones_contact_without_what_flexisip_added():
    binding = read(value())
    assert binding == Binding(
        aor="sip:alice@sip.example.org",
        contact=f'<{URI}>;+sip.instance="<{INSTANCE}>";+org.linphone.specs="lime"',
        instance=INSTANCE,
        updated_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
        expires_at=datetime(2026, 11, 24, 10, tzinfo=UTC),
        taken_at=NOW,
        user_agent="Phone/5.2 (SDK)",
        call_id="x@y",
        cseq=21,
        path=PATH,
    )
    assert read_contact(binding.contact).tokens == {"voip": VOIP, "remote": REMOTE}


def test_the_field_names_the_instance_where_the_value_does_not():
    binding = read(value(behind=""))
    assert binding.instance == INSTANCE
    assert read_contact(binding.contact).instance_id == INSTANCE


@pytest.mark.parametrize("field", ["fs-gen-abcdefghij0123456789", "fs-cli-gen-x", VOIP])
def test_a_generated_id_or_a_token_is_no_instance(field):
    binding = read(value(behind=""), field=field)
    assert binding.instance is None and binding.contact == f"<{URI}>"


def test_merged_keys_take_the_domain_we_are_told():
    assert read(value(), key="fs:alice@merged").aor == "sip:alice@example.net"
    other = Listing(taken_at=NOW)
    assert read_value("fs:alice@merged", "f", value(), other).aor == "sip:alice@merged"
    assert read_value("fs:Gate.Example.org", "f", value(), other).aor == (
        "sip:gate.example.org"
    )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "contact_form"),
        ("<sip:alice@h", "contact_form"),
        (value(own="callid=x"), "expiry_missing"),
        (value(own="updatedAt=soon;expires=60"), "updatedAt"),
        (value(own="updatedAt=17955108000000000000;expires=60"), "updatedAt"),
        (value(own="updatedAt=1795510800;expires=-x"), "expires"),
        (value(own="updatedAt=1795510800;expires=9999999999999999"), "expires"),
        ("<;updatedAt=1795510800;expires=60>", "address_empty"),
    ],
)
def test_a_value_that_is_no_binding_is_named(text, rule):
    found = read(text)
    assert isinstance(found, NotABinding) and found.rule == rule


def test_flexisips_marks_in_the_user_part_stay():
    binding = read(value(f"sip:a;callid=kept@192.0.2.7:5060;{PUSH}"))
    assert binding.contact.startswith("<sip:a;callid=kept@192.0.2.7:5060;pn-prid")


def answer(**changes) -> dict:
    entry = {
        "contact": f"{URI};fs-conn-id=77",
        "expires-at": 1795514400,
        "q": 0,
        "unique-id": f'"<{INSTANCE}>"',
        "user-agent": "Phone/5.2",
        "call-id": "x@y",
        "cseq": 21,
        "alias": False,
        "update-time": 1795510800,
        "path": [PATH],
        "accept": [],
    }
    return {"contacts": [{**entry, **changes}]}


def listed(text: str, **options):
    return list(read_listing(None, text, taken_at=NOW, **options))


def test_registrar_get_prints_the_same_binding():
    (binding,) = listed(json.dumps(answer()), aor="sip:alice@sip.example.org")
    assert binding.aor == "sip:alice@sip.example.org"
    assert binding.instance == INSTANCE
    assert binding.contact == f'<{URI}>;+sip.instance="<{INSTANCE}>"'
    assert binding.expires_at == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert (binding.call_id, binding.cseq, binding.path) == ("x@y", 21, PATH)


def test_without_an_aor_the_contacts_user_and_our_domain_make_one():
    (binding,) = listed(json.dumps(answer()), domain="sip.example.org")
    assert binding.aor == "sip:alice@sip.example.org"
    (refused,) = listed(json.dumps(answer()))
    assert refused.rule == "aor_without_domain"


def test_answers_behind_one_another_are_read_and_errors_are_named():
    text = (
        json.dumps(answer(), indent=2)
        + "\nError - 404 Not Found: unknown address\n"
        + json.dumps(answer(contact="nonsense"))
        + json.dumps({"contacts": ["x"]})
        + json.dumps({"contacts": None})
        + '{"contacts": [tr'
    )
    found = listed(text, domain="sip.example.org")
    assert [getattr(one, "rule", "binding") for one in found] == [
        "binding",
        "server_error",
        "contact_uri",
        "entry_form",
        "contacts_missing",
        "json",
    ]
