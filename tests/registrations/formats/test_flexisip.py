"""Flexisip's log of every version SIP.md §2 names: which dumps count, and their answers."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from registrations.answers import Pairing
from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Pulse, Request
from registrations.formats.stamps import Stamps
from registrations.sip import read_register

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


def test_a_cut_off_dump_is_told_and_ends_at_the_next_line_of_the_log():
    text = new()
    cut = text[: text.index(";transport")]
    first, second = read(cut + "\n" + new("0x2c", "next"))
    assert (first.rule, first.raw[-7:]) == ("headers_cut", b":50412\n")
    assert second.raw.decode() == dump("next")


def test_a_body_that_looks_like_the_log_is_none():
    body = new() + "\n"
    shown = (
        line("Agent::x - Received SIP request [0x3] MESSAGE (1 - m) from sip:a")
        + line("Agent::x - Message:")
        + f"MESSAGE sip:b SIP/2.0\r\nCall-ID: m\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    assert read(shown + body + "\n" + line("next")) == []
    hidden = f"[{len(body)} bytes of body hidden]\n"
    (request,) = read(shown + hidden + new())
    assert isinstance(request, Request)


def test_a_byte_order_mark_hides_nothing():
    marked = ("\ufeff" + old("")).encode()
    for name in (None, "flexisip"):
        reader = open_format(name, Stamps(UTC))
        records = reader.feed(marked[:2]) + reader.feed(marked[2:])
        (request,) = [one for one in records if isinstance(one, Request)]
        assert marked[request.position :].startswith(b"2025-03-04 10:15:42:118 flex")


def test_the_newest_moment_is_told():
    reader = open_format("flexisip", Stamps(UTC))
    pulses = reader.feed((line("x", second=3) + line("y", second=2)).encode())
    assert [pulse.at for pulse in pulses] == [
        datetime(2025, 3, 4, 10, 15, 3, 118000, UTC)
    ]


def header(pointer: str, call_id: str, way: str = "Received", method="REGISTER") -> str:
    text = (
        f"Agent::x - {way} SIP request [{pointer}] {method} (21 - {call_id}) from sip:a"
    )
    return line(text, level="message")


def message(call_id: str) -> str:
    return line("Agent::x - Message:") + dump(call_id)


def paired(text: str) -> list[tuple[str, int | None]]:
    """Call-ID and status of each REGISTER."""
    pairing = Pairing()
    for record in read(text):
        if isinstance(record, Request):
            pairing.ask(record, read_register(record.raw))
        else:
            pairing.answer(record)
    items = pairing.in_order(is_last=True)
    return [(item.register.call_id, item.status) for item in items]


def test_the_lines_of_several_threads_may_mix():
    text = (
        header("0x1", "one")
        + line("nta: sent 200 OK for OPTIONS")
        + header("0x2", "two")
        + header("0x3", "no", "Sending")
        + message("one")
        + line("Pusher::run - Message:")
        + header("0x4", "no", method="INVITE")
        + message("no")
        + message("two")
        + reply("0x4", "404 Not Found")
        + reply("0x2", "403 Forbidden")
        + reply("0x1")
    )
    assert paired(text) == [("one", 200), ("two", 403)]


def test_the_same_register_received_and_sent_on_counts_once():
    text = header("0x1", "one") + header("0x1", "one", "Sending") + message("one") * 2
    assert paired(text + reply("0x1")) == [("one", 200)]
    text = header("0x1", "one") + message("one") + header("0x1", "one", "Sending")
    assert paired(text + message("one") + reply("0x1")) == [("one", 200)]


def test_a_retransmission_is_received_twice():
    text = (header("0x1", "one") + message("one")) * 2 + reply("0x1")
    assert paired(text) == [("one", 200)] * 2


@pytest.mark.parametrize("domain", ["flexisip", "flexisip-user"])
def test_either_domain_is_read(domain):
    text = (new() + reply("0x1a")).replace("flexisip-", f"{domain}-")
    assert paired(text) == [("aBc", 200)]
    assert detect(text.encode()) == "flexisip"


@pytest.mark.parametrize("level", ["warning", "error", "fatal", "message"])
def test_no_other_level_shows_a_register(level):
    text = line(
        "Could not create push notification: %ssyntax of 'pn-prid' is invalid",
        level=level,
    )
    text += line("Registered <sip:a@b;pn-prid=no>", level=level) + header("0x1", "x")
    assert paired(text + reply("0x1")) == []


def test_a_hidden_body_ends_nothing_and_begins_nothing():
    hidden = line("Agent::x - Received SIP request [0x9] MESSAGE (1 - m) from sip:a")
    hidden += line("Agent::x - Message:") + dump("m").replace("REGISTER", "MESSAGE")
    hidden += "[972 bytes of body hidden]\n\n"
    assert paired(hidden + new() + reply("0x1a")) == [("aBc", 200)]


def test_sofias_own_dumps_beside_flexisips_do_not_count_twice():
    sofia = line("recv 400 bytes from tls/[1.2.3.4]:5061 at 10:15:42.118000:")
    sofia += line("   " + "-" * 72)
    sofia += "".join(line("   " + text) for text in dump().split("\r\n"))
    assert paired(sofia + old("") + sofia) == [("aBc", 200)]


def test_a_challenge_and_the_registration_are_told_apart():
    first = new("0x1", "one") + reply("0x1", "401 Unauthorized")
    again = first.replace("CSeq: 21", "CSeq: 22").replace("(21 -", "(22 -")
    again = again.replace("401 Unauthorized", "200 Registration successful")
    assert paired(first + again) == [("one", 401), ("one", 200)]


def test_without_prefixes_what_was_sent_on_is_told_from_what_was_received():
    bare = re.sub(r"(?m)^2025\S+ \S+ flexisip-\w+- ?", "", old("") + line("next"))
    assert detect(bare.encode()) == "cat"
    reader = open_format("cat", Stamps(UTC))
    records = reader.feed(bare.encode()) + reader.end()
    assert [type(one) for one in records] == [Request, Answer]
