"""Carriers' logs whose first lines are other programs': no number of them decides."""

from __future__ import annotations

import pytest

from registrations.formats import open_format
from registrations.formats.record import Pulse, Request
from tests.registrations.formats.carriers import CARRIERS, PREFIXES, carried
from tests.registrations.formats.reading import records_of, requests_of
from tests.registrations.formats.test_carried import (
    AT,
    FLEXISIP,
    KAMAILIO,
    MESSAGE,
    PRINTED,
)

#: A web server's line has the text that every start line has.
OTHERS = b'started\n"GET /users HTTP/2.0" 200\nREGISTER is no method of ours\n'
MANY = OTHERS * 300


def bare(log: bytes, prefix: bytes) -> bytes:
    """The log as its program hands it to syslog: the prefix is syslog's matter."""
    return log.replace(prefix, b"")


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("program", PRINTED)
def test_a_log_is_found_behind_many_lines_of_other_programs(carrier, program):
    before = carried(MANY, carrier)
    (found,) = requests_of(before + carried(PRINTED[program], carrier))
    assert found.raw == requests_of(PRINTED[program])[0].raw
    # The traditional stamp has no year.
    assert carrier == "syslog" or found.at == AT
    assert found.position >= len(before)
    assert len(before) > 16 * 1024


@pytest.mark.parametrize("carrier", CARRIERS)
def test_lines_of_others_between_announcement_and_message_do_not_matter(carrier):
    lines = carried(FLEXISIP, carrier).splitlines(keepends=True)
    if carrier == "export":
        lines = [entry + b"\n\n" for entry in b"".join(lines).split(b"\n\n")[:-1]]
    other = carried(b"HTTP/2.0 200", carrier).replace(b"43", b"44")
    other = other.replace(b"stderr", b"stdout")
    log = carried(MANY, carrier) + b"".join(line + other for line in lines)
    assert [one.raw for one in requests_of(log)] == [requests_of(FLEXISIP)[0].raw]


@pytest.mark.parametrize("carrier", ["iso", "export", "docker"])
@pytest.mark.parametrize("step", [100, 1001])
def test_pieces_make_no_difference(carrier, step):
    log = carried(OTHERS * 60 + KAMAILIO + OTHERS + KAMAILIO, carrier)
    whole = records_of(log)
    assert sum(isinstance(one, Request) for one in whole) == 2
    assert records_of(log, step=step) == whole


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_program_without_a_prefix_is_known_by_its_words(carrier):
    log = bare(KAMAILIO, b" 2(24850) ")
    assert log != KAMAILIO
    found = requests_of(carried(MANY + log + MANY, carrier))
    assert [one.raw for one in found] == [MESSAGE]


@pytest.mark.parametrize("step", [0, 1, 333])
def test_whole_messages_before_stay_and_are_not_read_again(step):
    escaped = bare(KAMAILIO, b" 2(24850) ").replace(b"\r\n", b"#015#012")
    first = b"".join(
        PREFIXES["iso"].encode() + line for line in escaped.splitlines(keepends=True)
    )
    # What it printed while it started has its prefix, and decides nothing.
    log = carried(KAMAILIO[:20] + b"\n", "iso") + first + carried(KAMAILIO, "iso")
    records = records_of(log, step=step)
    found = [one for one in records if isinstance(one, Request)]
    assert [one.raw for one in found] == [MESSAGE, MESSAGE]


def test_a_start_line_alone_is_no_malformed_registration():
    log = PREFIXES["iso"].encode() + b"REGISTER sip:example.org SIP/2.0\n"
    assert records_of(log * 3) == []


def test_the_format_that_was_found_goes_on_at_its_position():
    log = carried(MANY + KAMAILIO, "iso")
    reader = open_format(None)
    reader.feed(log)
    name, position = reader.form.name, reader.resume_position
    assert name == "syslog+kamailio"
    more = carried(KAMAILIO, "iso")
    records = open_format(name, position=position).feed(more * 2)
    found = [one for one in records if not isinstance(one, Pulse)]
    assert [one.raw for one in found] == [MESSAGE, MESSAGE]


def test_a_carriage_return_that_syslog_escaped_ends_its_line():
    log = carried(KAMAILIO, "iso").replace(b"\r", b"#015")
    assert [one.raw for one in requests_of(log)] == [MESSAGE]


@pytest.mark.parametrize("step", [0, 1, 100])
def test_a_whole_record_that_begins_with_asterisks_arrows_is_read(step):
    prefix = PREFIXES["syslog"].encode()
    arrows = b"<--- Received SIP request (%d bytes) from UDP:192.0.2.1:5060 --->\n"
    lines = (arrows % len(MESSAGE) + MESSAGE).replace(b"\r\n", b"\n").splitlines()
    # As `journalctl -o short` indents it, which leaves empty lines out.
    record = prefix + (b"\n" + b" " * len(prefix)).join(filter(None, lines)) + b"\n"
    found = records_of(record * 2, step=step)
    assert [one.source for one in found] == ["udp:192.0.2.1:5060"] * 2
