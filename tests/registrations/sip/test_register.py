"""REGISTERs as values: addresses, headers, and what the grammar refuses."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registrations.sip import (
    MalformedMessage,
    aor_of,
    read_address,
    read_register,
    redacted,
)
from registrations.sip.register import PLAIN_CONTACT, _contacts

VOIP, REMOTE = "a" * 64, "B" * 64


def message(*contacts: str, to: str = "<sip:alice@example.org>", extra: str = ""):
    lines = [
        "REGISTER sip:example.org SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
        f"To: {to}",
        "Call-ID: abc",
        "CSeq: 7 REGISTER",
        *(f"Contact: {contact}" for contact in contacts),
    ]
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode()


def only_contact(text: str, **more):
    (contact,) = read_register(message(text, **more)).contacts
    return contact


@pytest.mark.parametrize(
    ("to", "aor"),
    [
        ("sip:Alice@EXAMPLE.org;tag=1", "sip:Alice@example.org"),
        (
            '"Doe, Jane" <SIP:jane@Example.org:5060;x=1?y=2>;tag=1',
            "sip:jane@example.org",
        ),
        ("<sips:jane@example.org:5061>", "sips:jane@example.org"),
        ("<sip:jane@example.org:5061>", "sip:jane@example.org:5061"),
        ("<sip:jane@[2001:DB8::1]:5060>", "sip:jane@[2001:db8::1]"),
        ("<sip:null-%00@example.org>", "sip:null-%00@example.org"),
        ("isbn:2983792873", "isbn:2983792873"),
    ],
)
def test_the_aor_is_the_to_uri_without_what_does_not_name_it(to, aor):
    assert read_register(message(to=to)).aor == aor


def test_headers_are_found_folded_compact_in_any_case_and_with_blanks():
    raw = (
        b"\r\nREGISTER sip:e.org SIP/2.0\r\nt: sip:a@e.org\r\nI: one\r\n"
        b"cseq:   3   REGISTER\r\nM  :\r\n <sip:a@1.2.3.4>\r\n ;expires=60\r\n\r\n"
    )
    register = read_register(raw)
    assert (register.aor, register.call_id, register.cseq) == ("sip:a@e.org", "one", 3)
    assert [(c.uri, c.expires) for c in register.contacts] == [("sip:a@1.2.3.4", 60)]


def test_a_display_name_can_hold_anything():
    name = r'"Zoë, \"<sip:x@y;pn-prid=no>;expires=0" '
    contact = only_contact(name + "<sip:zoe@1.2.3.4>;expires=90")
    assert (contact.uri, contact.expires) == ("sip:zoe@1.2.3.4", 90)


def test_a_bare_contact_keeps_its_instance():
    contact = only_contact('sip:a@1.2.3.4;+sip.instance="<urn:uuid:1?2>";q=0.5')
    assert contact.uri == "sip:a@1.2.3.4"
    assert (contact.instance_id, contact.q) == ("urn:uuid:1?2", "0.5")


def test_an_instance_loses_quotes_backslashes_and_brackets():
    contact = only_contact(r'<sip:a@b>;+sip.instance="\"<urn:uuid:1>\""')
    assert contact.instance_id == "urn:uuid:1"


@pytest.mark.parametrize(
    ("contact", "header", "expires"),
    [
        ("<sip:a@b>;expires=0", "3600", 0),
        ("<sip:a@b>", "3600", 3600),
        ("<sip:a@b>;expires=nonsense", "60", 60),
        ("<sip:a@b>;expires=4294967296", "60", 2**32 - 1),
        ("<sip:a@b>;expires=" + "0" * 30 + "60", "1", 60),
        ("<sip:a@b>;expires=" + "9" * 5000, "1", 2**32 - 1),
    ],
)
def test_the_contact_says_how_long_before_the_header(contact, header, expires):
    asked = only_contact(contact, extra=f"Expires: {header}\r\n")
    assert asked.expires == expires


def test_contacts_are_split_at_commas_outside_quotes_and_brackets():
    register = read_register(message('"a, b" <sip:a,b@c>;expires=0, <sip:d@e>', "*"))
    assert [c.uri for c in register.contacts] == ["sip:a,b@c", "sip:d@e", "*"]


def test_no_contact_is_a_query():
    assert read_register(message()).contacts == ()


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (message("<sip:a@b;pn-prid=12"), "address_unclosed"),
        (message('<sip:a@b>;+sip.instance="<urn:uuid:12'), "address_quote"),
        (message('"Alice <sip:a@b>'), "address_quote"),
        (message("sip:a@b?Route=x"), "address_bare_headers"),
        (message("<>"), "address_empty"),
        (message("alice"), "address_scheme"),
        (message().replace(b"7 REGISTER", b"7 INVITE"), "cseq_method"),
        (message().replace(b"CSeq: 7", b"CSeq: x"), "cseq"),
        (message().replace(b"Call-ID: abc\r\n", b""), "call_id_missing"),
        (message().replace(b"To:", b"Tofu:"), "to_missing"),
        (message().replace(b"SIP/2.0\r\nVia", b"SIP/7.0\r\nVia"), "start_line"),
        (message().replace(b"REGISTER sip", b"RE%47ISTER sip"), "method"),
        (b"\r\n\r\n", "start_line"),
    ],
)
def test_what_cannot_be_read_names_its_rule(raw, rule):
    with pytest.raises(MalformedMessage) as caught:
        read_register(raw)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    "header",
    [
        'Authorization: Digest username="a", response="secret"\r\n',
        'authorization : Digest username="a",\r\n response="secret"\r\n',
        'Proxy-Authorization:\r\n Digest a="b",\r\n\tresponse="secret"\r\n',
        'Authorization:Digest,response="secret"\r\n',
        'Authorization: Digest a="b",\r response="secret"\r\n',
    ],
)
def test_credentials_are_cut_out_of_the_text(header):
    raw = message("<sip:a@b>", extra=header + "X: kept\0\xff\r\n")
    assert read_register(raw).authorized
    text = redacted(raw + b"\xff\xfe")
    assert "secret" not in text and "\0" not in text
    assert "X: kept" in text and "Contact: <sip:a@b>" in text
    text.encode()


def test_a_message_cut_off_anywhere_gives_an_error_or_no_token():
    whole = message(
        f"<sip:a@b;pn-provider=apns;pn-param=T.b.voip&remote;"
        f'pn-prid={VOIP}:voip&{REMOTE}:remote>;+sip.instance="<urn:uuid:1>"'
    )
    start = whole.index(b"Contact")
    for end in range(start, whole.index(b">;+sip")):
        try:
            register = read_register(whole[:end])
        except MalformedMessage:
            continue
        assert all(c.push.pn_prid is None and not c.tokens for c in register.contacts)


@given(st.text(alphabet="sip:SIP@<>;a9.-_+ \t", max_size=24))
@example("<sip:a@b")
@example("sip:a@b>")
@example(" <sips:A.b+c@d-e.f> ")
def test_an_aor_is_read_the_same_however_plain_it_is(to):
    try:
        expected = aor_of(read_address(to).uri)
    except MalformedMessage as error:
        expected = "to_missing" if not to.strip() else error.rule
    try:
        read = read_register(message("<sip:a@1.2.3.4>", to=to)).aor
    except MalformedMessage as error:
        read = error.rule
    assert read == expected


def contacts_of(value: bytes):
    """What one Contact header says, of push too, or the rule that it breaks."""
    try:
        contacts = _contacts((value,), b"60")
    except MalformedMessage as error:
        return error.rule
    return contacts, [one.push for one in contacts]


@given(st.from_regex(PLAIN_CONTACT, fullmatch=True))
@example(b"<\t>")
@example(b"< sip:a@b\x1c>;expires=9")
@example(b"<sip:a@b;x=\xc3\xa9>")
@example(b"<sip:a@b;\r\n x=1>")
@example(b"<sip:<a,@b>;reg-id=1")
def test_a_plain_contact_is_read_as_any_other(value):
    assert contacts_of(value) == contacts_of(value + b";x=1")


def test_two_plain_tokens_are_read_as_escaped_ones():
    uri = "sip:a@b;pn-provider=apns;pn-param=T.app.voip&remote;pn-prid="
    plain = f"<{uri}{VOIP}:voip&{REMOTE}:remote>"
    assert only_contact(plain).push.tokens == {"voip": VOIP, "remote": REMOTE}
    escaped = plain.replace(":voip", "%3Avoip")
    assert only_contact(escaped).push.tokens == only_contact(plain).push.tokens
