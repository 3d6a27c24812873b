"""What a format reads in one step is what all its steps give, whatever was done to the text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrations.formats.form import Format
from registrations.formats.kamailio import Kamailio
from registrations.formats.kinds import kind_of
from registrations.formats.opensips import OpenSips
from registrations.formats.reader import Reader
from registrations.formats.record import Branch, Brief, Request
from registrations.formats.stamps import Stamps
from registrations.formats.xlog import Template
from tests.registrations.formats import test_kamailio, test_opensips, test_xlog

STAMPS = Stamps(UTC, lambda: datetime(2026, 12, 1, tzinfo=UTC))
MESSAGE = test_kamailio.MESSAGE
WITH_BODY = MESSAGE.replace(b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\nabcd")
PLAIN = MESSAGE.replace(b"\r\n", b"\n")
OPTIONS = MESSAGE.replace(b"REGISTER", b"OPTIONS")
INVITE = WITH_BODY.replace(b"REGISTER", b"INVITE").replace(
    b"\r\nTo", b"\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:c@e.org>\r\nTo"
)
ANSWER = MESSAGE.replace(b"REGISTER sip:e.org SIP/2.0", b"SIP/2.0 200 OK")


class SteppedKamailio(Kamailio):
    usual = Format.usual


class SteppedOpenSips(OpenSips):
    usual = Format.usual


def peer(raw: bytes) -> str:
    return f"RECEIVED REGISTER from udp:127.0.0.1:15101 (size {len(raw)})"


def pieces_of(line) -> list[bytes]:
    """What a log may be made of, each of its lines written by `line`."""
    brief = line(test_xlog.told("<sip:a@b>;expires=9"))
    return [
        # Kamailio's own, whatever the line begins with.
        line(f"{'' if line is test_kamailio.line else '<script>: '}{peer(MESSAGE)}")
        + MESSAGE,
        *(line(peer(raw)) + raw for raw in (MESSAGE, PLAIN, WITH_BODY)),
        line(peer(MESSAGE)) + PLAIN,
        line(peer(PLAIN)) + MESSAGE,
        line(peer(MESSAGE[9:])) + MESSAGE,
        line(peer(MESSAGE)) + b"\r\n" + MESSAGE,
        line(peer(MESSAGE)) + line(peer(MESSAGE)) + MESSAGE,
        line("sent to udp:127.0.0.1:1") + MESSAGE,
        test_kamailio.coloured(line(peer(MESSAGE)) + MESSAGE + b"\n"),
        *(line(peer(raw)) + raw for raw in (OPTIONS, INVITE, INVITE[:-9], ANSWER)),
        line(f"{peer(MESSAGE)} call-id= cseq= expires=") + MESSAGE,
        brief,
        brief + MESSAGE,
        brief.replace(b"\n", b"\r\n") + MESSAGE,
        line(test_xlog.told("<sip:a@b>\r\n ;q=1")),
        b"REGISTER sip:x expires= SIP/2.0\r\n" + MESSAGE,
        b"\r\n",
        b"\n",
        line("noise SIP/2.0"),
        MESSAGE[:50],
    ]


def read(form: Format, data: bytes, cuts: list[int]):
    """All records, and from where reading would go on after each piece."""
    reader = Reader(form, 0, kind_of)
    records, resumed = [], []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        records += reader.feed(data[start:end])
        resumed.append(reader.resume_position)
    return records + reader.end(), resumed


def kamailio():
    return pieces_of(test_kamailio.line), lambda of: of(Template()), Kamailio


def opensips():
    return pieces_of(test_opensips.line), lambda of: of(STAMPS, Template()), OpenSips


FORMATS = {
    "kamailio": (kamailio, SteppedKamailio),
    "opensips": (opensips, SteppedOpenSips),
}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=300)
@given(st.data())
def test_one_step_gives_what_all_the_steps_give(name, data):
    (shape, stepped) = FORMATS[name]
    pieces, made, quick = shape()
    text = bytearray(b"".join(data.draw(st.lists(st.sampled_from(pieces), max_size=8))))
    for _ in range(data.draw(st.integers(0, 3))):
        if text:
            at = data.draw(st.integers(0, len(text) - 1))
            text[at : at + data.draw(st.integers(0, 2))] = data.draw(
                st.sampled_from(
                    [b"", b"\r", b"\n", b" ", b"/2.0\r\n", b"9", b"(", b"x"]
                )
            )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    text = bytes(text)
    assert read(made(quick), text, cuts) == read(made(stepped), text, cuts)


@pytest.mark.parametrize("name", FORMATS)
def test_the_usual_is_read_in_one_step(name):
    pieces, made, quick = FORMATS[name][0]()
    form, marker = made(quick), Template().marker
    brief = next(one for one in pieces if marker in one and one.count(b"\n") == 1)
    told, end = form.usual(brief, 0, 0, brief.index(marker), 0)
    assert isinstance(told, Brief)
    assert (told.raw, end, told.at) == (brief, len(brief), form.moment(brief))


@pytest.mark.parametrize("raw", [MESSAGE, PLAIN, WITH_BODY, OPTIONS, INVITE])
def test_a_whole_message_is_read_in_one_step(raw):
    text = test_kamailio.line(peer(raw)) + raw
    start, mark = len(text) - len(raw), text.index(b"/2.0")
    taken = Kamailio(Template()).usual(text, 0, start, mark, 0)
    record, end = taken
    assert end == len(text)
    kinds = {b"R": Request, b"I": Branch, b"O": type(None)}
    assert isinstance(record, kinds[raw[:1]])
