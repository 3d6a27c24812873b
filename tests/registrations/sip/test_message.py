"""Headers found by one expression are those that line by line reading finds."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from registrations.sip import cleaned, read_message
from registrations.sip.message import FOLD, NAMES

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
BLANKS = st.sampled_from([b"", b" ", b"\t "])
HEADER = st.tuples(NAMED, BLANKS, st.just(b":"), VALUE, LINE_END).map(b"".join)


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


@given(st.lists(HEADER, max_size=8), LINE_END, st.lists(HEADER, max_size=2))
def test_it_finds_what_reading_line_by_line_finds(headers, end, body):
    raw = b"REGISTER sip:a SIP/2.0\r\n" + b"".join(headers) + end + b"".join(body)
    message = read_message(raw)
    values = message._asdict()
    start_line, contacts = values.pop("start_line"), values.pop("contacts")
    first = {name: cleaned(one) for name, one in values.items() if one is not None}
    assert (first, list(map(cleaned, contacts))) == by_lines(raw)
    assert start_line == b"REGISTER sip:a SIP/2.0\r\n"
