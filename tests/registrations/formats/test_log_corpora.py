"""Asterisk's own logs and those of real phones, each against the truth of the wire."""

from __future__ import annotations

import pytest

from tests.corpora import needs_corpora, rows
from tests.registrations.formats.test_corpora import LINPHONE, matched, read

pytestmark = needs_corpora
#: Log of a phone → the AOR in it.
PHONES = {
    "01-alice-udp-apns2": "sip:alice@sip.example.org",
    "02-bob-tcp-remoteonly": "sip:bob@sip.example.org",
    "03-carol-fcm": "sip:carol@sip.example.org",
    "24-erin-loses-voip": "sip:erin@sip.example.org",
}


@pytest.mark.parametrize("log", ["asterisk_full.log.gz", "asterisk_full_json.log.gz"])
def test_asterisks_logs_hold_every_register_it_took_and_its_answer(log):
    truth = rows("asterisk22/truth.jsonl")
    items = matched(
        f"asterisk22/{log}", [row for row in truth if row["in_asterisk_log"]]
    )
    assert len(items) == 374
    assert {item.request.source[:4] for item in items} == {"udp:", "tcp:"}
    assert all(item.status is not None and item.request.at for item in items)


@pytest.mark.parametrize("log", PHONES)
def test_a_phones_log_holds_what_it_sent_and_what_it_was_answered(log):
    truth = rows(f"{LINPHONE}/truth.jsonl")
    path = f"{LINPHONE}/client/{log}.linphonec.log"
    calls = {item.ident[0] for item in read(path)}
    own = [row for row in truth if row["call_id"] in calls]
    items = matched(path, own)
    assert {row["aor"] for row in own} == {PHONES[log]}
    assert len(items) == len(own) > 0
    assert all(item.status is not None for item in items)
    assert {item.request.source for item in items} == {None}


def test_the_phone_that_loses_its_voip_token_says_so_in_its_own_log():
    items = read(f"{LINPHONE}/client/24-erin-loses-voip.linphonec.log")
    assert {item.status for item in items} == {401, 200}
    for item in items:
        (contact,) = item.register.contacts
        assert set(contact.tokens) == {"remote"}
        assert contact.push.pn_param.endswith(".voip&remote")
        assert [problem.rule for problem in contact.problems] == ["token_count"]
