"""Lines, headers and messages without an end: bounded, told, and the next one is read."""

from __future__ import annotations

import tracemalloc

import pytest

from registrations.formats import open_format
from registrations.formats.record import Request, Unreadable
from tests.registrations.formats.test_kamailio import announced, line
from tests.registrations.formats.test_wrapped import FORMATS, sample
from tests.registrations.formats.wires import register

PIECE = b"x" * 256 * 1024
LOGS = {name: sample(name) for name in FORMATS} | {
    "kamailio": announced(register()) * 8,
    "plain": register() * 8,
}


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("piece", [PIECE, b"\0" * len(PIECE), b" SIP/2.0 x" * 26_000])
def test_a_line_without_end_is_forgotten_and_the_next_message_read(name, piece):
    reader = open_format(None)
    records = reader.feed(LOGS[name])
    tracemalloc.start()
    for _ in range(96):
        records += reader.feed(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8_000_000
    records += reader.feed(b"\n" + LOGS[name]) + reader.end()
    assert sum(isinstance(one, Request) for one in records) == 16


@pytest.mark.parametrize("name", ["kamailio", "plain", "syslog_iso", "journal_json"])
def test_it_is_told_once_with_its_beginning(name):
    reader, records = open_format(None), []
    for data in (LOGS[name], *[PIECE] * 12, b"\n" + LOGS[name]):
        records += reader.feed(data)
    (told,) = [one for one in records if isinstance(one, Unreadable)]
    assert told.rule == "line_length" and len(told.raw) == 200
    assert told.position == len(LOGS[name])


@pytest.mark.parametrize("step", [0, 1000, 65_536])
def test_a_header_of_a_megabyte_is_half_a_message(step):
    raw = register("big").replace(b"To:", b"X: " + b"a" * 1_000_000 + b"\r\nTo:")
    log = announced(register("one")) + line("RECEIVED") + raw + announced(register("z"))
    reader, records = open_format(None), []
    for at in range(0, len(log), step or len(log)):
        records += reader.feed(log[at : at + (step or len(log))])
    records += reader.end()
    told = [
        one.rule if isinstance(one, Unreadable) else one.raw.count(b"\n")
        for one in records
    ]
    whole = register().count(b"\n")
    assert told == [whole, "headers_cut", whole]


def test_ten_thousand_contacts_are_too_many_for_any_datagram():
    many = b"".join(b"Contact: <sip:a%d@h>\r\n" % number for number in range(10_000))
    raw = register("big").replace(b"Content-Length", many + b"Content-Length")
    reader = open_format("plain")
    records = reader.feed(raw + register("next")) + reader.end()
    assert [type(one) for one in records] == [Unreadable, Request]


@pytest.mark.parametrize("name", ["kamailio", "plain", "syslog_iso"])
def test_many_empty_lines_are_read_over(name):
    reader, records = open_format(None), []
    for data in (LOGS[name], b"\n" * 300_000, b"\r\n" * 100_000, LOGS[name]):
        records += reader.feed(data)
    records += reader.end()
    assert sum(isinstance(one, Request) for one in records) == 16
