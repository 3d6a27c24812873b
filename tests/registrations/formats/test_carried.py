"""A program's own log line by line in another's records: Docker, Kubernetes, syslog."""

from __future__ import annotations

from datetime import datetime

import pytest

from registrations.formats import open_format
from registrations.formats.record import Answer, Pulse, PushEnded, PushSent, Request
from tests.notifications.flexisip_pushes import NEW, logged
from tests.registrations.formats import test_flexisip, test_kamailio, test_linphone
from tests.registrations.formats.carriers import CARRIERS, PREFIXES, STAMP, carried
from tests.registrations.formats.reading import records_of, requests_of, rules_of

MESSAGE = test_kamailio.MESSAGE
KAMAILIO = test_kamailio.line("start") + test_kamailio.announced() + b"\n"
KAMAILIO += test_kamailio.line("end")
FLEXISIP = (test_flexisip.new() + test_flexisip.reply("0x1a")).encode()
LINPHONE = test_linphone.sent(
    lambda text: f"2026-11-23 19:23:18:926 belle-sip-message-{text}\n".encode()
)
SOFIA = b"recv %d bytes from udp/[1.2.3.4]:5060 at 19:23:18.926000:\n" % len(MESSAGE)
SOFIA += b"   " + b"-" * 72 + b"\n"
SOFIA += b"".join(b"   %b\n" % line for line in MESSAGE.split(b"\r\n")[:-1])
SOFIA += b"   " + b"-" * 72 + b"\n"
PRINTED = {
    "kamailio": KAMAILIO,
    "flexisip": FLEXISIP,
    "linphone": LINPHONE,
    "sofia": SOFIA,
}
AT = datetime.fromisoformat(f"{STAMP}+00:00")


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("program", PRINTED)
def test_a_message_is_put_together_from_its_lines(carrier, program):
    alone = requests_of(PRINTED[program])
    (found,) = requests_of(carried(PRINTED[program], carrier))
    assert [(found.raw, found.source, found.key)] == [
        (one.raw, one.source, one.key) for one in alone
    ]
    assert rules_of(carried(PRINTED[program], carrier)) == []


def test_the_carriers_time_and_place_count():
    log = carried(KAMAILIO, "cri")
    (found,) = requests_of(log)
    assert (found.at, found.position) == (AT, log.find(b"\n") + 1)


def test_answers_come_out_too():
    found = records_of(carried(FLEXISIP, "docker"))
    kinds = [(type(one), one.at) for one in found]
    assert kinds == [(Request, AT), (Answer, AT)]


def test_what_another_program_prints_between_is_no_part_of_the_message():
    lines = carried(KAMAILIO, "iso").splitlines(keepends=True)
    other = PREFIXES["iso"].replace("prog[43]", "other[44]").encode() + b"Contact: *\n"
    mixed = b"".join(line + other for line in lines)
    assert [one.raw for one in requests_of(mixed)] == [MESSAGE]


def test_a_line_that_kubernetes_keeps_in_two_parts_is_one():
    log = carried(KAMAILIO, "cri")
    whole = PREFIXES["cri"].encode()
    part = whole.replace(b" F ", b" P ")
    at = log.index(b"Call-ID: ")
    start = log.rindex(b"\n", 0, at) + 1
    parted = log[:start] + part + log[at : at + 4] + b"\n" + whole + log[at + 4 :]
    assert [one.raw for one in requests_of(parted)] == [MESSAGE]


def test_a_message_that_ends_with_its_contact_was_cut():
    log = KAMAILIO[: KAMAILIO.index(b"Contact:")] + b"Contact: <sip:a@b\n"
    assert [rule for rule, _ in rules_of(carried(log, "docker"))] == ["headers_cut"]


@pytest.mark.parametrize("name", ["cri+kamailio", "json+flexisip", "syslog+sofia"])
def test_a_line_without_end_is_told_and_does_not_stay_in_memory(name):
    reader, records = open_format(name), []
    for _ in range(40):
        records += reader.feed(b"x" * 100_000)
    after = carried(SOFIA, "syslog")
    records += reader.feed(b"\n" + after) + reader.end()
    told = [one.rule for one in records if hasattr(one, "rule")]
    is_other = not name.startswith("syslog")
    assert told == ["line_length", *["other_format"] * is_other]
    assert any(isinstance(one, Request) for one in records) == name.endswith("sofia")


@pytest.mark.parametrize("carrier", ["docker", "cri", "syslog"])
def test_pushes_that_flexisip_sends_by_itself_are_read_there_too(carrier):
    log = logged(NEW).encode()
    alone = [one for one in records_of(log) if isinstance(one, PushSent | PushEnded)]
    found = records_of(carried(log, carrier))
    pushes = [one for one in found if isinstance(one, PushSent | PushEnded)]
    assert [one._replace(at=None, position=0) for one in pushes] == [
        one._replace(at=None, position=0) for one in alone
    ]
    assert len(pushes) == 2


@pytest.mark.parametrize("carrier", CARRIERS)
def test_what_a_program_prints_while_it_starts_does_not_decide(carrier):
    starting = b"loading modules under config path: /usr/lib\nListening on\n" * 20
    log = carried(starting + KAMAILIO, carrier)
    assert [one.raw for one in requests_of(log)] == [MESSAGE]
    assert records_of(log, step=100) == records_of(log)


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_a_turn_that_is_told_stands_between_what_is_read_before_and_behind_it(cut):
    other = b"[2026-11-23 19:36:17.017] VERBOSE[2] REGISTER sip:e.org SIP/2.0\n"
    log = carried(KAMAILIO, "syslog") + other + carried(KAMAILIO, "syslog")
    reader = open_format("syslog+kamailio")
    at = log.find(other) - 150 + cut
    found = reader.feed(log[:at]) + reader.feed(log[at:]) + reader.end()
    kinds = [
        getattr(one, "rule", "read") for one in found if not isinstance(one, Pulse)
    ]
    assert kinds == ["read", "other_format", "read"]
