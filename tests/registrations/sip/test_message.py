"""Headers found by one expression are those that line by line reading finds."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrations.sip import cleaned, read_message
from registrations.sip.message import END as END_GROUP
from registrations.sip.message import FOLD, NAMES, Head

FIELDS = {written.encode(): name for name, names in NAMES.items() for written in names}
NAMED = st.sampled_from(
    [*FIELDS, b"Contact", b"CALL-ID", b"Max-Forwards", b"X-To", b"Mm", b" To", b""]
)
PIECES = st.sampled_from(
    [b"a", b":", b" ", b"\t", b"\r", b",", b";", b"<sip:a@b>", b"\xff", b"\0"]
)
END = re.compile(rb"\n\r?\n")
LINE_END = st.sampled_from([b"\r\n", b"\n"])
FOLDED = st.sampled_from([b"\r\n ", b"\n\t", b" \r\n  "])
VALUE = st.lists(st.one_of(PIECES, FOLDED), max_size=6).map(b"".join)
UNFOLDED = st.lists(PIECES, max_size=3).map(b"".join)
BLANKS = st.sampled_from([b"", b" ", b"\t "])
HEADER = st.tuples(NAMED, BLANKS, st.just(b":"), VALUE, LINE_END).map(b"".join)


#: As Linphone and as most others write them; then some are left out, said twice or odd.
USUAL = st.sampled_from(
    [
        b"Via From To CSeq Call-ID Max-Forwards Supported Accept Contact Expires "
        b"User-Agent Content-Length Authorization",
        b"Via Max-Forwards From To Call-ID CSeq Contact Expires Authorization User-Agent "
        b"Allow Content-Length",
    ]
).map(bytes.split)


@st.composite
def usual_headers(draw):
    """Headers in a usual order with at most a few changes."""
    lines = [name + b": " + draw(UNFOLDED) + b"\r\n" for name in draw(USUAL)]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + draw(st.integers(0, 1))] = draw(st.lists(HEADER, max_size=1))
        if not lines:
            break
    return lines


def by_lines(raw: bytes) -> tuple[dict, list]:
    """The same, step by step (RFC 3261 §7): up to the empty line, unfold, a header a line."""
    first: dict[str, bytes] = {}
    contacts = []
    head = END.split(raw, maxsplit=1)[0]
    for line in FOLD.sub(b" ", head).split(b"\n")[1:]:
        written, _, value = line.partition(b":")
        name = FIELDS.get(written.rstrip(b" \t").lower())
        if name == "contact":
            contacts.append(value.strip())
        elif name is not None:
            first.setdefault(name, value.strip())
    return first, contacts


@given(
    st.lists(HEADER, max_size=8) | usual_headers(),
    LINE_END,
    st.lists(HEADER, max_size=2),
)
def test_it_finds_what_reading_line_by_line_finds(headers, end, body):
    raw = b"REGISTER sip:a SIP/2.0\r\n" + b"".join(headers) + end + b"".join(body)
    message = read_message(raw)
    values = message._asdict()
    start_line, contacts = values.pop("start_line"), values.pop("contacts")
    first = {name: cleaned(one) for name, one in values.items() if one is not None}
    assert (first, list(map(cleaned, contacts))) == by_lines(raw)
    assert start_line == b"REGISTER sip:a SIP/2.0\r\n"


@given(usual_headers(), st.sampled_from([None, rb"\d+\(\d+\) ", rb"[A-Z]\w*::\w+ - "]))
def test_headers_in_the_usual_order_are_read_as_in_any(headers, stop):
    raw = b"REGISTER sip:a SIP/2.0\r\n" + b"".join(headers) + b"\r\n"
    head = Head(stop)
    found = head.match(raw)
    in_any_order = head.message(found), found.end(), found.lastindex == END_GROUP
    assert head.read(raw, 0, len(raw)) == in_any_order


@pytest.mark.parametrize("line", [b"X: y\r\n", b"Contact: <sip:a@b>\r\n"])
def test_a_long_message_that_never_ends_is_read_in_one_go(line):
    usual = (
        b"REGISTER sip:a SIP/2.0\r\nTo: x\r\nCall-ID: x\r\nContact: x\r\nExpires: 1\r\n"
    )
    started = time.process_time()
    read_message(usual + line * 5000)
    assert time.process_time() - started < 2


def test_a_line_of_the_log_among_other_headers_ends_the_message():
    first = b"REGISTER sip:e.org SIP/2.0\r\nsize: [105] bytes\n"
    second = b"REGISTER sip:e.org SIP/2.0\r\nTo: sip:a@e.org\r\nCSeq: 1 REGISTER\r\n"
    data = first + second + b"Call-ID: one\r\nContact: <sip:a@192.0.2.1>\r\n\r\n"
    head = Head(rb"REGISTER +\S+ +SIP/2\.0[ \t]*\r?\n")
    _, end, is_ended = head.read(data, 0, len(data))
    assert (end, is_ended) == (len(first), False)
    _, end, is_ended = head.read(data, len(first), len(data))
    assert (end, is_ended) == (len(data), True)
