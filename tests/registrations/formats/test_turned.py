"""A log that turns into another format is told once, and read where it is of its own again."""

from __future__ import annotations

import pytest

from tests.registrations.formats import test_asterisk, test_flexisip, test_kamailio
from tests.registrations.formats.reading import call_ids, requests_of, rules_of

FLEXISIP = test_flexisip.new().encode()
KAMAILIO = test_kamailio.announced()
ASTERISK = test_asterisk.pjsip()
LOGS = {"flexisip": FLEXISIP, "kamailio": KAMAILIO, "asterisk": ASTERISK}
PAIRS = [(own, other) for own in LOGS for other in LOGS if own != other]


@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_the_turn_is_told_once_and_nothing_of_the_rest_is_guessed(own, other):
    log = LOGS[own] + LOGS[other] * 3 + LOGS[own]
    assert len(requests_of(log)) == 2
    ((rule, position),) = rules_of(log)
    assert rule == "other_format"
    assert position >= len(LOGS[own])
    assert rules_of(log, step=1) == [(rule, position)]


def test_each_turn_is_told():
    log = (FLEXISIP + KAMAILIO) * 2
    assert [rule for rule, _ in rules_of(log)] == ["other_format"] * 2
    assert len(call_ids(log)) == 2


def test_each_turn_is_told_however_the_messages_between_are_read():
    log = (KAMAILIO + ASTERISK + KAMAILIO) * 3
    told = rules_of(log)
    assert [rule for rule, _ in told] == ["other_format"] * 3
    assert rules_of(log, step=1) == told
