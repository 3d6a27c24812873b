"""Flexisip's event log on the file system: what one line says, and what it cannot."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from registrations.answers import Pairing
from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Pulse, Request, Unreadable
from registrations.formats.stamps import Stamps
from registrations.sip import read_register

CET = timezone(timedelta(hours=1))
TOKENS = "pn-prid=AA:voip&BB:remote;pn-provider=apns;pn-param=T.org.x.voip&remote"
CONTACT = f"sip:alice@203.0.113.7:50412;{TOKENS};transport=tls"
AGENT = "LinphoneiOS/5.2.0 (iPhone 13) LinphoneSDK/5.2.45"


def line(
    event: str = "Registered",
    *,
    contact: str = CONTACT,
    display: str = "",
    agent: str = AGENT,
    stamp: str = "Tue Mar  4 10:15:42 2025",
    aor: str = "sip:alice@sip.example.org",
) -> str:
    return f"{stamp}: {event} {display} <{aor}> ({contact}) {agent}\n"


def read(text: str) -> list:
    reader = open_format(None, Stamps(CET))
    records = reader.feed(text.encode()) + reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def registers(text: str) -> list:
    return [read_register(r.raw) for r in read(text) if isinstance(r, Request)]


def test_a_line_says_who_registered_which_contact():
    request, answer = read(line())
    register = read_register(request.raw)
    (contact,) = register.contacts
    assert request.at == datetime(2025, 3, 4, 9, 15, 42, tzinfo=UTC)
    assert (register.aor, register.user_agent) == ("sip:alice@sip.example.org", AGENT)
    assert (contact.uri, contact.expires) == (CONTACT, None)
    assert contact.tokens == {"voip": "AA", "remote": "BB"}
    assert isinstance(answer, Answer) and answer.status == 200
    assert detect(line().encode()) == "flexisip-events"


def test_every_line_is_an_event_of_its_own_with_its_answer():
    text = line() + line(stamp="Tue Mar  4 10:15:43 2025") + line("Unregistered")
    pairing = Pairing()
    for record in read(text):
        if isinstance(record, Request):
            pairing.ask(record, read_register(record.raw))
        else:
            pairing.answer(record)
    items = pairing.in_order(is_last=True)
    assert [item.status for item in items] == [200] * 3
    assert len({item.register.call_id for item in items}) == 3
    assert [item.register.expires for item in items] == [None, None, 0]


def test_an_expiry_is_no_register_but_moves_the_clock():
    reader = open_format(None, Stamps(UTC))
    (pulse,) = reader.feed(line("Registration expired").encode())
    assert isinstance(pulse, Pulse)
    assert pulse.at == datetime(2025, 3, 4, 10, 15, 42, tzinfo=UTC)


@pytest.mark.parametrize("agent", ["", "UA <x>; (y)", "X/2.0"])
@pytest.mark.parametrize("display", ["", '"Alice (iOS)"', "Zoë, ;x"])
def test_display_names_and_user_agents_are_free_text(display, agent):
    (register,) = registers(line(display=display, agent=agent))
    assert register.aor == "sip:alice@sip.example.org"
    assert register.user_agent == (agent or None)


def test_a_registration_without_contact_is_a_query():
    assert registers(line(contact=""))[0].contacts == ()


def test_a_contact_cut_at_500_bytes_is_kept_up_to_its_last_whole_parameter():
    contact = f"{CONTACT};x={'y' * 500}"[:499]
    named, request, _ = read(line(contact=contact))
    assert isinstance(named, Unreadable) and named.rule == "contact_cut"
    (found,) = read_register(request.raw).contacts
    assert (found.uri, found.tokens) == (CONTACT, {"voip": "AA", "remote": "BB"})
    in_token = f"sip:a@b;x={'y' * 440};pn-prid={'A' * 64}:voip"[:499]
    (found,) = registers(line(contact=in_token))[0].contacts
    assert (found.push.pn_prid, found.tokens) == (None, {})


@pytest.mark.parametrize("place", ["display", "agent"])
def test_a_phone_cannot_make_up_who_registered(place):
    forged = "<sip:victim@sip.example.org> (sip:evil@x;pn-prid=no) UA"
    (record,) = read(line(**{place: forged}))
    assert isinstance(record, Unreadable) and record.rule == "event_line"


def test_a_message_amid_the_lines_is_text():
    text = line(agent="x REGISTER sip:a SIP/2.0") + "REGISTER sip:a SIP/2.0\n"
    assert len(registers(text + line("Unregistered"))) == 2
