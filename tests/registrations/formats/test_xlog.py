"""One line of the operator's own for each REGISTER: templates, folds, forgeries."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrations.formats import open_format
from registrations.formats.record import Brief, Request, Unreadable
from registrations.formats.xlog import BadTemplate, Template
from registrations.sip import read_register
from tests.registrations.formats.test_kamailio import line

CONTACT = '<sip:a@1.2.3.4;pn-prid=t:voip>;+sip.instance="<urn:uuid:1>"'


def told(contact: str = CONTACT, *, ua: str = "Phone/1", **changed: str) -> str:
    values = {"to": "sip:a@e.org", "call_id": "one", "cseq": "7", "expires": "60"}
    values |= {"ip": "127.0.0.1", "port": "5090", "proto": "udp"} | changed
    return (
        "REGISTER from {ip}:{port} ({proto}) user=a to={to} call-id={call_id} "
        "cseq={cseq} expires={expires} ".format(**values)
        + f'ua="{ua}" contact={contact}'
    )


def read(*lines: str | bytes):
    data = b"".join(x if isinstance(x, bytes) else line(x) for x in lines)
    reader = open_format("kamailio")
    return reader.feed(data) + reader.end()


def registers(*lines: str | bytes):
    return [read_register(record.raw) for record in read(*lines)]


def test_a_line_gives_what_the_whole_message_would():
    noise = line("lookup a -> sip:x;pn-prid=no")
    (request,) = read(noise, told(), noise)
    register = read_register(request.raw)
    assert (request.source, request.position) == ("udp:127.0.0.1:5090", len(noise))
    assert (register.aor, register.call_id, register.cseq) == ("sip:a@e.org", "one", 7)
    assert (register.expires, register.user_agent) == (60, "Phone/1")
    (contact,) = register.contacts
    assert (contact.instance_id, contact.push.pn_prid) == ("urn:uuid:1", "t:voip")


def test_what_is_absent_is_printed_as_null():
    (register,) = registers(told("<null>", ua="<null>", expires="<null>"))
    assert (register.expires, register.user_agent) == (None, None)
    assert register.contacts == ()


@pytest.mark.parametrize(
    "name", ['"B, a ;expires=0"', '"x\\" y"', '"Zoë <x>, \' (iOS)"', '"<null>"']
)
def test_commas_and_quotes_in_a_display_name_are_text(name):
    (register,) = registers(told(f"{name} {CONTACT}, <sip:b@2.2.2.2>"))
    assert [contact.uri for contact in register.contacts] == [
        "sip:a@1.2.3.4;pn-prid=t:voip",
        "sip:b@2.2.2.2",
    ]


def test_a_folded_contact_goes_on_in_the_next_lines():
    folded = told("<sip:a@1.2.3.4>\r\n ;q=0.5\r\n\t;expires=9")
    first, second = registers(folded, told(call_id="two"))
    assert (first.contacts[0].q, first.contacts[0].expires) == ("0.5", 9)
    assert second.call_id == "two"


def test_an_ipv6_sender_gets_brackets():
    assert read(told(ip="::1", proto="tcp"))[0].source == "tcp:[::1]:5090"


@pytest.mark.parametrize("place", ["contact", "ua"])
def test_a_line_forged_in_a_fold_is_no_line_of_the_log(place):
    forged = line(told("<sip:evil>", to="sip:victim@e.org")).decode().strip("\n")
    hostile = told(**{place: f"<sip:a@1.2.3.4>\r\n{forged}\r\n ;x"})
    wrong, good = read(hostile, told(call_id="b"))
    assert isinstance(wrong, Unreadable) and isinstance(good, Request)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"ua": 'x" contact=<sip:evil>'}, "xlog_ambiguous"),
        ({"call_id": 'a cseq=1 expires=9 ua="" contact=<sip:e>'}, "xlog_ambiguous"),
        ({"to": "sip:a@e.org call-id=x"}, "xlog_line"),
        ({"cseq": "x"}, "xlog_line"),
    ],
)
def test_a_line_that_can_be_read_in_two_ways_is_not_read(changed, rule):
    (record,) = read(told(**changed))
    assert isinstance(record, Unreadable) and record.rule == rule


def test_another_request_is_no_registration():
    assert read(told().replace("REGISTER", "INVITE"), "REGISTER from x") == []


def test_a_template_of_the_operators_own_is_followed():
    template = Template(
        "REG {to} | {contact} | {call_id} {cseq} {any} UA [{user_agent}]"
    )
    text = b"REG sip:a@e.org | <sip:a@1.1.1.1;x>;q=1 | id@h 3 zz UA [a] b]"
    brief = Brief(position=0, at=None, source="udp:x:1", raw=text)
    request = template.request(brief)
    register = read_register(request.raw)
    assert (register.user_agent, register.cseq) == ("a] b", 3)
    assert (register.contacts[0].q, request.source) == ("1", "udp:x:1")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("REGISTER {to} {call_id} {cseq}", "lacks contact"),
        ("REGISTER {to} {call_id} {cseq} {contact} {color}", "no field 'color'"),
        ("REGISTER {to} {call_id} {cseq} {contact}{user_agent}", "nothing ends"),
        ("REGISTER {to} {to} {call_id} {cseq} {contact}", "stands twice"),
        ("{to} {call_id} {cseq} {contact}", "no text of its own"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(text, why):
    with pytest.raises(BadTemplate, match=why):
        Template(text)


def test_a_line_in_syslog_has_syslogs_time():
    folded = told("<sip:a@1.2.3.4>#015#012 ;expires=9")
    log = b"".join(
        f"2026-11-23T19:51:4{second}+00:00 vm kamailio[43]: INFO: <script>: {text}\n".encode()
        for second, text in enumerate([folded, told(call_id="b"), "INVITE from x"])
    )
    reader = open_format(None)
    first, second = [
        record
        for record in reader.feed(log) + reader.end()
        if isinstance(record, Request)
    ]
    assert first.at == datetime(2026, 11, 23, 19, 51, 40, tzinfo=UTC)
    assert read_register(first.raw).contacts[0].expires == 9
    assert (second.position, second.source) == (log.index(b"2026", 9), first.source)


KEYED = Template()
SPLIT = Template(
    "REGISTER {cseq} of {to}, id {call_id} ua={user_agent} contact={contact}"
)


@pytest.mark.parametrize("template", [KEYED, SPLIT], ids=["neighbours", "apart"])
@settings(max_examples=300)
@given(st.data())
def test_a_line_is_of_the_request_whose_key_it_has(template, data):
    """Whatever a phone calls itself: its words may hold another key."""
    words = st.sampled_from(
        ["x", "a1", " call-id=a1 cseq=2 expires=", ' ua="', "id ", ", ", " "]
    )
    free = st.lists(words, max_size=4).map("".join)
    fields = {
        name: data.draw(free if name in ("user_agent", "contact") else words)
        for name in ("user", "to", "call_id", "user_agent", "contact")
    }
    fields |= {"cseq": "1", "expires": "60", "ip": "h", "port": "1", "proto": "udp"}
    line = template.text.format(**fields).encode()
    key = (
        data.draw(st.sampled_from([b"x", b"a1", b"a"])),
        data.draw(st.sampled_from([1, 2])),
    )
    told = template.key(line)
    expected = key[0] in line if told is None else told == key
    assert template.is_of(line, key) == expected
