"""A log that turns into another format is told where it does, and read on in that."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registrations.formats import open_format
from registrations.formats.record import Answer, Pulse, Record, Request, Turned
from registrations.formats.stamps import Stamps, Years
from tests.registrations.formats import (
    test_asterisk,
    test_flexisip,
    test_kamailio,
    test_sofia,
)
from tests.registrations.formats.carriers import carried
from tests.registrations.formats.reading import requests_of, rules_of

SAMPLES = Path("tests/samples")
FLEXISIP = (test_flexisip.new() + test_flexisip.reply("0x1a")).encode()
KAMAILIO = test_kamailio.announced() + test_kamailio.line("end")
ASTERISK = test_asterisk.pjsip() + test_asterisk.chan_sip()
LOGS = {
    "flexisip": FLEXISIP,
    "kamailio": KAMAILIO,
    "asterisk": ASTERISK,
    "sofia": test_sofia.freeswitch(b"recv", test_sofia.MESSAGE),
    "cri+kamailio": carried(KAMAILIO, "cri"),
    "json+flexisip": carried(FLEXISIP, "docker"),
}
LOGS |= {
    name: (SAMPLES / f"{name}.log").read_bytes()
    for name in (
        *("shapes/kamailio_lines", "shapes/opensips", "shapes/linphone"),
        *("shapes/logcat", "wrapped/sipgrep", "wrapped/ngrep_default"),
        *("wrapped/syslog_trad", "wrapped/journal_short-iso", "wrapped/tcpdump_A"),
    )
}
#: A log that begins like another goes on as that: nothing has turned.
SAME = [
    {"kamailio", "shapes/kamailio_lines"},
    {"wrapped/sipgrep", "wrapped/ngrep_default"},
    {"wrapped/syslog_trad", "wrapped/journal_short-iso"},
]
PAIRS = [
    (own, other)
    for own in LOGS
    for other in LOGS
    if own != other and {own, other} not in SAME
]


def records_of(log: bytes, cuts=(), name: str | None = None) -> list[Record]:
    reader, records = open_format(name, Stamps(UTC, years=Years(2026))), []
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        records += reader.feed(log[start:end])
    records += reader.end()
    return [one for one in records if not isinstance(one, Pulse)]


def said(log: bytes) -> list[tuple]:
    """What a log says by itself, wherever it stands."""
    return [
        (type(one), one.at, getattr(one, "raw", None) or one.status)
        for one in records_of(log)
        if isinstance(one, Request | Answer)
    ]


@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_both_are_read_as_they_are_alone_also_back(own, other):
    log = LOGS[own] + LOGS[other] * 2 + LOGS[own]
    assert said(log) == said(LOGS[own]) + said(LOGS[other]) * 2 + said(LOGS[own])
    turns = [one for one in records_of(log) if isinstance(one, Turned)]
    begin, end = len(LOGS[own]), len(LOGS[own] + LOGS[other] * 2)
    assert [begin <= one.position < end for one in turns] == [True, False]


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(list(LOGS)), min_size=2, max_size=4),
    st.lists(st.integers(0, 20_000), max_size=8),
)
def test_pieces_of_any_size_give_the_same_records_and_turns(names, cuts):
    log = b"".join(LOGS[name] for name in names)
    cuts = sorted(min(cut, len(log)) for cut in cuts)
    assert records_of(log, cuts) == records_of(log)


@pytest.mark.parametrize("other", LOGS)
def test_one_byte_at_a_time_gives_the_same_records_and_turns(other):
    log = FLEXISIP + LOGS[other] + KAMAILIO
    assert records_of(log, list(range(1, len(log)))) == records_of(log)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(list(LOGS)), min_size=2, max_size=4),
    st.integers(0, 20_000),
)
@example(["kamailio", "json+flexisip"], 563)
def test_a_restart_knows_the_format_found_so_far_and_goes_on_turning(names, cut):
    log, stamps = b"".join(LOGS[name] for name in names), Stamps(UTC)
    first = open_format(None, stamps)
    before, position = first.feed(log[:cut]), first.resume_position
    found = first.form and first.form.name
    again = open_format(None, stamps, position, found=found)
    after = again.feed(log[position:]) + again.end()
    places = {
        one.position for one in [*before, *after] if not isinstance(one, Pulse | Turned)
    }
    whole = {one.position for one in records_of(log) if not isinstance(one, Turned)}
    assert whole <= places


def test_a_named_format_stays_and_the_turn_is_told_once():
    log = FLEXISIP + KAMAILIO * 3 + FLEXISIP
    found = records_of(log, name="flexisip")
    assert sum(isinstance(one, Request) for one in found) == 2
    ((rule, position),) = [
        (one.rule, one.position) for one in found if hasattr(one, "rule")
    ]
    assert (rule, position >= len(FLEXISIP)) == ("other_format", True)


def test_the_turn_says_from_what_to_what_and_where():
    (turn,) = [one for one in records_of(KAMAILIO + FLEXISIP) if type(one) is Turned]
    assert (turn.own, turn.other, turn.always_answers) == (
        "kamailio",
        "flexisip",
        False,
    )
    assert turn.detail == "lines of flexisip where kamailio was read"
    assert len(KAMAILIO) < turn.position < len(KAMAILIO + FLEXISIP)


def test_an_announcement_some_lines_above_the_first_message_counts():
    """Flexisip says what was received, and with the dump that it is one."""
    line = b"2026-07-01 08:00:00:001 flexisip-debug- Agent - Message:\n"
    log = FLEXISIP.replace(b"Message:\n", b"x\n" + line)
    assert len(requests_of(KAMAILIO + log)) == 2


def test_messages_without_a_log_around_them_turn_into_a_servers_log_only():
    plain = test_kamailio.MESSAGE * 2
    assert len(requests_of(plain + FLEXISIP)) == 3
    words = b"Nov 23 19:51:41 vm prog[43]: received\n"
    assert len(requests_of(plain + words + test_kamailio.MESSAGE)) == 3
    assert rules_of(plain + words + test_kamailio.MESSAGE) == []


def test_what_a_phone_writes_into_its_message_turns_nothing():
    forged = FLEXISIP + test_asterisk.pjsip()
    body = b"Content-Length: %d\r\n\r\n%b" % (len(forged), forged)
    message = test_kamailio.MESSAGE.removesuffix(b"\r\n") + body
    log = test_kamailio.announced(message) + KAMAILIO + ASTERISK
    assert said(log)[1:] == said(KAMAILIO) + said(ASTERISK)
    assert [one.own for one in records_of(log) if type(one) is Turned] == ["kamailio"]


def test_two_logs_line_by_line_in_one_file_are_read_in_bounded_time_and_memory():
    log = (FLEXISIP + KAMAILIO) * 2_000
    reader, records = open_format(None, Stamps(UTC)), []
    for at in range(0, len(log), 262_144):
        records += reader.feed(log[at : at + 262_144])
    records += reader.end()
    assert sum(isinstance(one, Request) for one in records) == 4_000
    assert sum(isinstance(one, Turned) for one in records) == 3_999
