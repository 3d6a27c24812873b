"""Lines, headers and messages without an end: bounded, told, and the next one is read."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import pytest

from registrations.formats import open_format
from registrations.formats.record import Request, Unreadable
from registrations.sip import read_register
from tests.registrations.formats.printed import PRINTED
from tests.registrations.formats.test_kamailio import announced, line
from tests.registrations.formats.test_wrapped import FORMATS, sample
from tests.registrations.formats.wires import register

PIECE = b"x" * 256 * 1024
LOGS = {name: sample(name) for name in FORMATS} | {
    "kamailio": announced(register()) * 8,
    "plain": register() * 8,
}
#: So much of one line a format, and how far memory may grow by all of them.
MEGABYTES, MOST_GROWTH_MB = 24, 16
GROWTH = """
import sys
from benchmarks.memory import held_mb
from registrations.formats import NAMES, open_format
piece = b"x" * 1_048_576
before = None
for name in NAMES:
    reader = open_format(name)
    for _ in range(int(sys.argv[1])):
        reader.feed(piece)
        # The first of them shows what reading itself needs.
        before = before or held_mb()
    reader.end()
print(held_mb() - before)
"""


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
    (cut,) = [one for one in records if isinstance(one, Unreadable)]
    assert cut.detail == "a REGISTER of more than the 131,072 bytes that are kept"


@pytest.mark.parametrize("name", PRINTED)
def test_ten_thousand_contacts_are_read_whole_or_told(name):
    """They are no half message, and the messages around them are read."""
    many = b"".join(b"Contact: <sip:a%d@h>\r\n" % number for number in range(10_000))
    raw = register("big").replace(b"Content-Length", many + b"Content-Length")
    log = b"".join(map(PRINTED[name], (register("one"), raw, register("next"))))
    reader = open_format(name)
    records = reader.feed(log + PRINTED[name](register("last"))) + reader.end()
    asked = [read_register(one.raw) for one in records if isinstance(one, Request)]
    big = [one for one in asked if one.call_id == "big"]
    assert {len(one.contacts) for one in big} <= {10_001}
    assert [one.call_id for one in asked if one not in big] == ["one", "next", "last"]
    assert sum(isinstance(one, Unreadable) for one in records) == 1 - len(big)


@pytest.mark.parametrize("name", sorted(PRINTED.keys() - LOGS.keys()))
def test_behind_an_endless_line_every_format_reads_on(name):
    log, piece = PRINTED[name](register()) * 4, b"x" * 1_048_576
    reader = open_format(name)
    records = reader.feed(log)
    for _ in range(12):
        records += reader.feed(piece)
    records += reader.feed(b"\n" + log) + reader.end()
    assert sum(isinstance(one, Request) for one in records) == 8


def test_megabytes_without_a_line_end_take_no_memory_in_any_format():
    arguments = sys.executable, "-c", GROWTH, str(MEGABYTES)
    told = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert float(told.stdout) < MOST_GROWTH_MB


@pytest.mark.parametrize("name", ["kamailio", "plain", "syslog_iso"])
def test_many_empty_lines_are_read_over(name):
    reader, records = open_format(None), []
    for data in (LOGS[name], b"\n" * 300_000, b"\r\n" * 100_000, LOGS[name]):
        records += reader.feed(data)
    records += reader.end()
    assert sum(isinstance(one, Request) for one in records) == 16
