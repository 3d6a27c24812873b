"""Kamailio's log with whole messages: prefix, peer, size."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrations.formats import detect, open_format
from registrations.formats.kamailio import USUAL, Kamailio, told
from registrations.formats.record import Answer, Request
from registrations.formats.xlog import Template
from tests.registrations.formats.reading import records_of

MESSAGE = (
    b"REGISTER sip:e.org SIP/2.0\r\nTo: sip:a@e.org\r\nCSeq: 1 REGISTER\r\n"
    b"Call-ID: one\r\nContact: <sip:a@1.2.3.4>\r\n\r\n"
)


def line(text: str, process: int = 2) -> bytes:
    return f"{process:2}(24850) INFO: <script>: {text}\n".encode()


def announced(raw: bytes = MESSAGE, size: int | None = None) -> bytes:
    size = len(raw) if size is None else size
    return line(f"RECEIVED REGISTER from udp:127.0.0.1:15101 (size {size})") + raw


def read(data: bytes):
    reader = open_format("kamailio")
    return reader.feed(data) + reader.end()


@pytest.mark.parametrize("process", [2, 12])
def test_a_message_follows_its_line(process):
    noise = line("lookup alice -> sip:x;pn-prid=no", process)
    text = f"RECEIVED REGISTER from udp:127.0.0.1:15101 (size {len(MESSAGE)})"
    data = noise + line(text, process) + MESSAGE + b"\n" + noise
    (request,) = read(data)
    assert (request.raw, request.position) == (MESSAGE, len(noise))
    assert (request.source, request.at) == ("udp:127.0.0.1:15101", None)
    assert detect(data) == "kamailio"


def coloured(data: bytes) -> bytes:
    """As `log_color=yes` prints a record: the colour goes back behind its line's end."""
    return b"\x1b[0;36;49m" + data + b"\x1b[0;39;49m"


def test_colours_are_no_part_of_a_line_or_message():
    told_first = coloured(line("lookup alice -> sip:x;pn-prid=no"))
    whole = coloured(announced() + b"\n")
    unsized = coloured(line("REGISTER from tcp:10.0.0.1:5060:") + MESSAGE + b"\n")
    data = told_first + whole + unsized + told_first
    one, two = read(data)
    assert (one.raw, one.source) == (MESSAGE, "udp:127.0.0.1:15101")
    assert (two.raw, two.source) == (MESSAGE, "tcp:10.0.0.1:5060")
    assert one.position == len(told_first) - len(b"\x1b[0;39;49m")
    assert detect(data) == "kamailio"
    assert [len(read(data[:end])) for end in (len(data), len(data) - 1)] == [2, 2]


@pytest.mark.parametrize(
    "text",
    ["REGISTER from tcp:10.0.0.1:5060:", "got from tcp:10.0.0.1:5060 - message:"],
)
def test_other_wordings_of_the_line_are_understood(text):
    (request,) = read(line(text) + MESSAGE + line("done"))
    assert (request.raw, request.source) == (MESSAGE, "tcp:10.0.0.1:5060")


def test_the_message_can_stand_in_the_line_itself():
    (request,) = read(line("")[:-1] + MESSAGE + line("done"))
    assert request.raw == MESSAGE


def test_an_ipv6_peer_gets_brackets():
    text = line(f"RECEIVED REGISTER from tcp:::1:5070 (size {len(MESSAGE)})")
    assert read(text + MESSAGE)[0].source == "tcp:[::1]:5070"


def test_what_follows_the_content_length_of_a_datagram_is_no_message():
    two = MESSAGE.replace(b"\r\n\r\n", b"\r\nl: 0\r\n\r\n") * 2
    assert len(read(announced(two) + line("x"))) == 1


def test_a_cut_off_message_ends_at_the_next_line():
    records = read(announced(MESSAGE[:60], len(MESSAGE)) + b"\n" + announced())
    assert [record.raw for record in records] == [MESSAGE[:60] + b"\n", MESSAGE]


def test_a_sender_may_write_lf_itself():
    raw = MESSAGE.replace(b"\r\n", b"\n")
    data = announced(raw) + line("next")
    assert [one.raw for one in read(data)] == [raw]
    assert [one.raw for one in read(announced(MESSAGE).replace(b"\r", b""))] == [raw]


def test_half_a_message_is_told_and_not_read():
    for size in range(40, len(MESSAGE) - 3):
        cut = MESSAGE[:size].rstrip(b"\r\n")
        (half,) = read(line("RECEIVED") + cut + b"\n" + line("next"))
        assert half.rule == "headers_cut"


def test_a_cut_off_message_does_not_swallow_the_whole_one_behind_it():
    records = read(announced(MESSAGE[:60], 5000) + b"\n" + announced() * 2)
    assert [record.raw for record in records][1:] == [MESSAGE, MESSAGE]


def test_a_line_with_a_size_but_no_message_swallows_nothing():
    assert [r.raw for r in read(announced(b"", 900) + announced())][-1] == MESSAGE


def test_a_phone_cannot_forge_a_line_of_the_log():
    forged = MESSAGE.replace(b"\r\nTo:", b"\r\nX: y\r\n" + announced() + b"To:", 1)
    forged = forged.replace(b"\r\n\r\n", b"\r\n", 1)
    (request, *others) = read(announced(forged))
    assert (request.raw, others) == (forged, [])


def test_an_invite_is_no_registration_and_a_response_is_an_answer():
    response = b"SIP/2.0 401 No\r\nCall-ID: one\r\nCSeq: 1 REGISTER\r\n\r\n"
    data = announced() + announced(MESSAGE.replace(b"REGISTER", b"INVITE"))
    request, answer = read(data + line("reply from udp:1.2.3.4:5060") + response)
    assert isinstance(request, Request) and isinstance(answer, Answer)
    assert (answer.call_id, answer.cseq, answer.status) == ("one", 1, 401)


@given(st.from_regex(re.compile(USUAL), fullmatch=True))
def test_the_usual_line_is_read_as_any_other(text):
    template, whole = Template(), b" 2(24850) INFO: " + text
    assert Kamailio(template).lead(whole, 7) == told(whole, 7, template)


@pytest.mark.parametrize("size", [b"", b" (size %d)" % (len(MESSAGE) + 13)])
@pytest.mark.parametrize("step", [0, 1])
def test_what_the_journal_keeps_of_its_output_is_read_without_a_size_too(size, step):
    """`journalctl -o cat` of a Kamailio -E: no CR and no empty line."""
    text = MESSAGE.replace(b"\r\n\r\n", b"\r\nExpires: 60\r\n").replace(b"\r", b"")
    lead = line("RECEIVED REGISTER from udp:127.0.0.1:15101")[:-1] + size + b"\n"
    found = records_of((lead + text + line("end")) * 2, step=step)
    assert [type(one) for one in found] == [Request] * 2
    assert found[0].source == "udp:127.0.0.1:15101"
    # One that ends with its Contact may be half, and so may one whose lines end in CR LF.
    contact = text.partition(b"Contact")[0] + b"Contact: <sip:a@192.0.2.1;pn-prid=a\n"
    for half in (contact, text.replace(b"\n", b"\r\n")):
        (cut,) = records_of(lead.replace(size, b"") + half + line("end"), step=step)
        assert cut.rule == "headers_cut"
