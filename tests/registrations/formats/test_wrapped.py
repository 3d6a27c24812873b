"""Logs that wrap another's: the same eight REGISTERs, as the real programs printed them.

tests/samples/wrapped: excerpts of a Kamailio log or its packets as rsyslog 8, journalctl 252,
ngrep 1.47, sipgrep 2.1 and tcpdump 4.99 wrote them.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Pulse, Request
from registrations.formats.stamps import Stamps
from registrations.sip import SipError, read_register
from tests.registrations.logs import register

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "wrapped"
ALICE, DAVE = "udp:127.0.0.1:15101", "udp:127.0.0.1:15104"
#: Sample → its format, and when its first REGISTER was.
FORMATS = {
    "journal_cat": ("cat", None),
    "journal_export": ("journal-export", "2026-11-24T08:31:38.635991"),
    "journal_json": ("json", "2026-11-24T08:31:38.635991"),
    "journal_short": ("syslog", "2026-11-24T08:31:38"),
    "journal_short-delta": ("syslog", None),
    "journal_short-iso": ("syslog", "2026-11-24T08:31:38"),
    "journal_short-iso-precise": ("syslog", "2026-11-24T08:31:38.635991"),
    "journal_short-monotonic": ("syslog", None),
    "journal_short-precise": ("syslog", "2026-11-24T08:31:38.635991"),
    "journal_short-full": ("syslog", "2026-11-24T08:31:38"),
    "journal_short-unix": ("syslog", "2026-11-24T08:31:38.635991"),
    "ngrep_byline": ("ngrep", "2026-11-23T19:40:28.563072"),
    "ngrep_default": ("ngrep", "2026-11-23T19:40:28.563072"),
    "sipgrep": ("ngrep", "2026-11-23T19:40:28.563072"),
    "syslog_5424": ("syslog", "2026-11-24T08:31:37.107145"),
    "syslog_iso": ("syslog", "2026-11-24T08:31:37.107145"),
    "syslog_trad": ("syslog", "2026-11-24T08:31:37"),
    "tcpdump_A": ("tcpdump", "2026-11-23T19:40:28.563072"),
    "tcpdump_vv": ("tcpdump", "2026-11-23T19:40:28.563072"),
}
WITH_ANSWERS = {"ngrep_byline", "ngrep_default", "sipgrep", "tcpdump_A", "tcpdump_vv"}
EXPECTED = {
    *(
        ("lIc7bTwvUz", cseq, ALICE, "sip:alice@sip.example.org")
        for cseq in range(20, 25)
    ),
    *(("79GnzNIjAo", cseq, DAVE, "sip:dave@sip.example.org") for cseq in range(20, 23)),
}
STAMPS = Stamps(UTC, lambda: datetime(2026, 12, 1, tzinfo=UTC))


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.log").read_bytes()


def fed(log: bytes, name: str | None, cuts=(), stamps: Stamps = STAMPS):
    reader, records = open_format(name, stamps), []
    for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
        records += reader.feed(log[start:end])
    records += reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def requests(log: bytes, name: str | None = None, **how) -> list[Request]:
    return [one for one in fed(log, name, **how) if isinstance(one, Request)]


@pytest.mark.parametrize("name", FORMATS)
def test_what_real_programs_print_gives_the_registers_inside(name):
    log, (form, first) = sample(name), FORMATS[name]
    assert detect(log) == form
    got = requests(log)
    registers = [read_register(request.raw) for request in got]
    assert {
        (register.call_id, register.cseq, request.source, register.aor)
        for register, request in zip(registers, got, strict=True)
    } == EXPECTED
    assert len(got) == len(EXPECTED)
    moment = first and datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert got[0].at == moment
    tokens = {kind for register in registers for kind in register.contacts[0].tokens}
    assert tokens == {"voip", "remote"}


@pytest.mark.parametrize("name", FORMATS)
def test_the_contacts_are_those_of_the_message_itself(name):
    plain = {
        (register.call_id, register.cseq): register.contacts
        for register in map(
            read_register, (one.raw for one in requests(sample("journal_cat")))
        )
    }
    for request in requests(sample(name)):
        register = read_register(request.raw)
        assert register.contacts == plain[register.call_id, register.cseq]


@pytest.mark.parametrize("name", sorted(WITH_ANSWERS))
def test_answers_seen_beside_the_requests_are_told(name):
    answers = [one for one in fed(sample(name), None) if isinstance(one, Answer)]
    assert {("lIc7bTwvUz", 20, 401), ("lIc7bTwvUz", 21, 200)} <= {
        (answer.call_id, answer.cseq, answer.status) for answer in answers
    }


@pytest.mark.parametrize("name", FORMATS)
def test_the_position_is_that_of_the_outer_record(name):
    log = sample(name)
    for request in requests(log):
        assert (
            request.position == 0
            or log[request.position - 1 : request.position] == b"\n"
        )
        assert b"REGISTER" in request.raw[:10]


@settings(max_examples=80)
@given(st.sampled_from(sorted(FORMATS)), st.lists(st.integers(0, 40_000), max_size=6))
def test_pieces_of_any_size_give_the_same_records(name, cuts):
    log = sample(name)
    cuts = sorted(min(cut, len(log)) for cut in cuts)
    assert fed(log, None, cuts) == fed(log, None)


@settings(max_examples=80)
@given(st.sampled_from(sorted(FORMATS)), st.integers(0, 40_000))
def test_a_restart_at_the_resume_position_loses_nothing(name, cut):
    log = sample(name)
    first = open_format(FORMATS[name][0], STAMPS)
    before = first.feed(log[:cut])
    again = open_format(FORMATS[name][0], STAMPS, first.resume_position)
    after = again.feed(log[first.resume_position :]) + again.end()
    seen = {one.position for one in before + after if isinstance(one, Request)}
    assert seen == {one.position for one in requests(log)}


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(FORMATS)),
    st.integers(0, 20_000),
    st.binary(min_size=1, max_size=200),
)
def test_bytes_written_over_a_log_never_stop_the_reading(name, at, noise):
    log = sample(name)
    spoilt = log[:at] + noise + log[at + len(noise) :]
    assert len(requests(spoilt, FORMATS[name][0])) >= len(EXPECTED) - 3


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(FORMATS)),
    st.lists(st.tuples(st.integers(0, 20_000), st.binary(max_size=30)), max_size=5),
    st.lists(st.integers(0, 40_000), max_size=6),
)
def test_a_spoilt_log_is_the_same_in_pieces(name, spots, cuts):
    log = sample(name)
    for at, noise in spots:
        log = log[:at] + noise + log[at + len(noise) // 2 :]
    cuts = sorted(min(cut, len(log)) for cut in cuts)
    assert fed(log, None, cuts) == fed(log, None)


def test_a_stamp_without_zone_or_year_is_read_by_its_settings():
    line = sample("syslog_trad")
    paris = timezone(timedelta(hours=1))
    late = Stamps(paris, lambda: datetime(2025, 1, 5, tzinfo=UTC))
    assert requests(line, stamps=late)[0].at == datetime(
        2024, 11, 24, 7, 31, 37, tzinfo=UTC
    )
    assert requests(line, stamps=Stamps(UTC))[0].at is None


@pytest.mark.parametrize("zone", ["CET", "CEST", "-03", "+0530"])
def test_the_journals_full_stamps_name_any_zone(zone):
    log = sample("journal_short-full").replace(b" UTC ", f" {zone} ".encode())
    wider = b" " * (len(zone) - 3)
    log = log.replace(b"\n   ", b"\n" + wider + b"   ")
    assert detect(log) == "syslog"
    assert len(requests(log, stamps=Stamps(UTC))) == len(EXPECTED)


def test_a_time_of_day_without_a_date_is_no_moment():
    log = sample("tcpdump_A").replace(b"2026-11-23 ", b"")
    assert len(requests(log)) == len(EXPECTED)
    assert {request.at for request in requests(log)} == {None}


def test_a_copy_inside_another_packet_is_no_register():
    log = sample("tcpdump_A")
    assert requests(log.replace(b".REGISTER ", b".HEP3.......REGISTER ")) == []


def test_a_short_month_day_and_leap_years_are_read():
    leap = Stamps(UTC, lambda: datetime(2027, 6, 1, tzinfo=UTC))
    log = sample("syslog_trad").replace(b"Nov 24", b"Feb 29")
    assert requests(log, stamps=leap)[0].at == datetime(
        2024, 2, 29, 8, 31, 37, tzinfo=UTC
    )
    log = sample("syslog_trad").replace(b"Nov 24", b"Nov  4")
    assert requests(log)[0].at == datetime(2026, 11, 4, 8, 31, 37, tzinfo=UTC)


def test_a_message_that_nobody_escaped_may_go_on_over_lines():
    log = sample("syslog_trad").replace(b"#015#012", b"\r\n").replace(b"#012", b"\n")
    assert len(requests(log)) == len(EXPECTED)


SOFIA = b"".join(
    b"%s %d bytes %s tcp/[2001:db8::7]:50412 at 19:23:18.926000:\n   %s\n%s   %s\n"
    % (verb, len(text), way, b"-" * 72, body, b"-" * 72)
    for verb, way, text in (
        (b"recv", b"from", requests(sample("journal_cat"))[0].raw),
        (
            b"send",
            b"to",
            b"SIP/2.0 200 OK\r\nCall-ID: lIc7bTwvUz\r\nCSeq: 20 REGISTER\r\n\r\n",
        ),
        (b"send", b"to", requests(sample("journal_cat"))[1].raw),
    )
    for body in [b"".join(b"   " + line for line in text.splitlines(keepends=True))]
)


@pytest.mark.parametrize("prefix", [b"", b"2026-07-01 08:00:00:001 flexisip-debug- "])
def test_sofia_prints_what_it_received_and_sent(prefix):
    log = b"".join(prefix + line for line in SOFIA.splitlines(keepends=True))
    request, answer = fed(log, "sofia", stamps=Stamps(UTC))
    assert read_register(request.raw).call_id == "lIc7bTwvUz"
    assert request.source == "tcp:[2001:db8::7]:50412"
    assert (answer.call_id, answer.cseq, answer.status) == ("lIc7bTwvUz", 20, 200)
    assert (request.at is not None) == bool(prefix)


def test_a_line_of_a_message_is_no_header_of_sofia():
    forged = b"   X: recv 9 bytes from udp/[192.0.2.1]:5060 at 00:00:00.000000:\r\n"
    log = SOFIA.replace(b"   Max-Forwards", forged + b"   Max-Forwards", 1)
    assert [type(one) for one in fed(log, "sofia")] == [Request, Answer]


def test_freeswitchs_own_lines_are_none_of_syslogs():
    line = b"2026-11-23 19:23:18.926000 [NOTICE] switch_channel.c:1118 New Channel\n"
    percent = line.replace(b" [", b" 99.97% [")
    assert detect(line + SOFIA) == detect(percent + SOFIA) == "sofia"
    assert len(requests(line + SOFIA + percent)) == 1


def test_an_entry_that_lies_about_a_length_is_the_same_in_any_pieces():
    log = sample("journal_export")
    at = log.index(b"MESSAGE\n") + 8
    size = int.from_bytes(log[at : at + 8], "little")
    for lie in (size - 2, size + 2, size + 400, size * 2):
        wrong = log[:at] + lie.to_bytes(8, "little") + log[at + 8 :]
        assert fed(wrong, None) == fed(wrong, None, cuts=range(1, len(wrong)))


def test_a_message_whose_dashes_never_come_was_cut():
    cut = SOFIA[: SOFIA.index(b"Expires") + 9] + b"\n"
    assert [one.rule for one in fed(cut, "sofia")] == ["headers_cut"]


def test_a_line_that_syslog_cut_never_gives_half_a_contact():
    message = register().replace("\n", "#015#012")
    head = "2026-11-23T19:51:41.377040+00:00 vm kamailio[4349]: INFO: RECEIVED "

    def told(text: str) -> list[tuple]:
        (request,) = requests(f"{head}{text}\n".encode())
        contacts = read_register(request.raw).contacts
        return [(one.uri, one.instance_id, one.tokens) for one in contacts]

    whole, given = told(message), []
    for cut in range(len(message)):
        with suppress(SipError, ValueError):
            given.append(told(message[:cut]))
    assert whole in given
    assert all(one in ([], whole) for one in given)
