"""Flexisip's log of every version SIP.md §2 names: which dumps count, and their answers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Pulse, Request
from registrations.formats.stamps import Stamps

CET = timezone(timedelta(hours=1))


def dump(call_id: str = "aBc", cseq: int = 21) -> str:
    return (
        "REGISTER sip:sip.example.org SIP/2.0\r\n"
        "To: sip:alice@sip.example.org\r\n"
        f"CSeq: {cseq} REGISTER\r\nCall-ID: {call_id}\r\n"
        "Contact: <sip:alice@203.0.113.7:50412;transport=tls>\r\n"
        "Content-Length: 0\r\n\r\n"
    )


def line(text: str, *, level: str = "debug", gap: str = " ", second: int = 42) -> str:
    return f"2025-03-04 10:15:{second:02}:118 flexisip-{level}-{gap}{text}\n"


def old(gap: str) -> str:
    return (
        line("nta: received REGISTER sip:sip.example.org SIP/2.0 (CSeq 21)", gap=gap)
        + line(
            "Receiving new Request SIP message REGISTER from sip:alice@e.org :", gap=gap
        )
        + dump()
        + line("Invoking onRequest() on module DoSProtection", gap=gap)
        + line("Sending Request SIP message to sip:upstream :", gap=gap)
        + dump()
        + line("Replying Request SIP message: 200 Registration successful", gap=gap)
    )


def new(pointer: str = "0x1a", call_id: str = "aBc", function="processRequest") -> str:
    received = f"Received SIP request [{pointer}] REGISTER (21 - {call_id}) from sip:a"
    return (
        line(f"Agent::{function} - {received}", level="message")
        + line(f"Agent::{function} - Message:")
        + dump(call_id)
    )


def reply(pointer: str, status: str = "200 Registration successful") -> str:
    return line(
        f"RequestSipEvent[{pointer}]::reply - Replying to SIP request: {status}",
        level="message",
    )


def read(text: str):
    reader = open_format("flexisip", Stamps(CET))
    records = reader.feed(text.encode()) + reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


@pytest.mark.parametrize("gap", ["", " "])
def test_up_to_2_4_only_the_received_dump_counts(gap):
    text = old(gap)
    request, answer = read(text)
    assert isinstance(request, Request) and isinstance(answer, Answer)
    assert request.raw.decode() == dump()
    assert request.position == text.index("2025", text.index("(CSeq 21)"))
    assert request.at == datetime(2025, 3, 4, 9, 15, 42, 118000, UTC)
    assert answer.status == 200
    assert detect(text.encode()) == "flexisip"


@pytest.mark.parametrize("function", ["processRequest", "sendRequestEvent"])
def test_from_2_5_a_reply_has_the_pointer_of_its_request(function):
    request, answer = read(new(function=function) + reply("0x1a"))
    assert (request.key, answer.key, answer.status) == ("0x1a", "0x1a", 200)
    assert request.raw.decode() == dump()


def test_a_message_sent_on_is_not_a_registration():
    sent = line("RequestSipEvent[0x1a]::send - Sending SIP request [0x1a] REGISTER")
    assert len(read(new() + sent + line("Agent::x - Message:") + dump())) == 1


def test_without_the_debug_level_there_is_no_register():
    header = new()[: new().index("\n") + 1]
    assert read(header * 3) == []


@pytest.mark.parametrize(
    "text", ["Agent::processRequest - Message:", "no announcement"]
)
def test_a_register_inside_a_body_is_text(text):
    message = dump().replace("REGISTER", "MESSAGE") + dump()
    received = line("Agent::x - Received SIP request [0x2b] MESSAGE (1 - x) from sip:a")
    assert read(received + line(text) + message) == []


def test_a_reply_to_another_request_is_not_taken_for_the_registers():
    other = line("Agent::x - Received SIP request [0x2b] OPTIONS (1 - x) from sip:a")
    assert len(read(new() + other + reply("0x2b", "200 OK"))) == 1
    old_other = line("Receiving new Request SIP message OPTIONS from sip:a :")
    old_reply = line("Replying Request SIP message: 200 OK")
    assert len(read(old(" ") + old_other + old_reply)) == 2


def test_a_dumped_response_answers_by_call_id_and_cseq():
    response = (
        line("Receiving new Response SIP message: 200")
        + "SIP/2.0 200 OK\r\nCSeq: 21 REGISTER\r\ni: aBc\r\n"
        + "Contact: <sip:x@y;pn-prid=no>\r\n\r\n"
    )
    request, answer = read(new() + response)
    assert isinstance(request, Request)
    assert (answer.call_id, answer.cseq, answer.status) == ("aBc", 21, 200)


def test_a_cut_off_dump_ends_at_the_next_line_of_the_log():
    text = new()
    cut = text[: text.index(";transport")]
    first, second = read(cut + "\n" + new("0x2c", "next"))
    assert first.raw.endswith(b":50412\n")
    assert second.raw.decode() == dump("next")


def test_the_newest_moment_is_told():
    reader = open_format("flexisip", Stamps(UTC))
    pulses = reader.feed((line("x", second=3) + line("y", second=2)).encode())
    assert [pulse.at for pulse in pulses] == [
        datetime(2025, 3, 4, 10, 15, 3, 118000, UTC)
    ]
