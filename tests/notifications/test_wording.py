"""What pages say of states and rules: suspicion, never fact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from notifications.models import App, Ledger
from notifications.rule_words import RULES
from notifications.wording import ago, evidence_of, meaning, rules_in_words

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def ledger(state: str, strikes: int = 2, seen_ago: timedelta | None = None) -> Ledger:
    return Ledger(
        state=state,
        strikes=strikes,
        pushes=strikes,
        threshold=3,
        first_strike_at=NOW - timedelta(hours=1),
        last_sign_at=NOW - seen_ago if seen_ago else None,
    )


@pytest.mark.parametrize("state", Ledger.State.values)
def test_every_state_says_what_it_means_for_the_caller(state):
    what, _ = meaning(ledger(state), "anna")
    assert "anna" in what or "this app" in what


@pytest.mark.parametrize("state", ["not_waking", "suspected"])
def test_a_block_is_probable_and_never_a_fact(state):
    what, next_step = meaning(ledger(state), "anna")
    assert "probably" in what
    assert "blacklisted" not in what
    assert next_step


def test_a_contact_that_is_never_pushed_to_is_told_before_all_else():
    what, next_step = meaning(None, "anna", ["token_unlabelled"])
    assert "Calls to anna do not arrive" in what and "token_unlabelled" in what
    assert "pn-prid=TOKEN:voip&TOKEN:remote" in next_step
    what, next_step = meaning(ledger("suspected"), "anna", ["token_unlabelled"])
    assert "do not arrive" in what and "probably" in what
    assert "reinstall" in next_step


def test_a_rule_that_flexisip_overlooks_changes_no_meaning():
    assert meaning(None, "anna", ["token_twice"]) == meaning(None, "anna")


def test_a_silent_phone_that_is_back_is_not_called_unseen():
    assert "not seen" in meaning(ledger("silent"), "anna")[0]
    back = ledger("silent", strikes=3, seen_ago=timedelta(minutes=5))
    assert "is back" in meaning(back, "anna")[0]


def test_the_evidence_counts_pushes_and_says_when_the_phone_was_seen():
    words = evidence_of(ledger("not_waking", seen_ago=timedelta(minutes=5)), NOW)
    assert words == (
        "2 VoIP pushes accepted, 0 wakes",
        "since 11:00. Seen alive 5\N{NO-BREAK SPACE}min ago.",
    )
    words = evidence_of(ledger("silent", 1, seen_ago=timedelta(hours=2)), NOW)
    assert words == (
        "1 VoIP push accepted, 0 wakes",
        "since 11:00. No sign of life since the first.",
    )


def test_the_rules_of_apps_that_agree_are_said_once():
    apps = [App(name="Phone"), App(name="Desk")]
    assert rules_in_words(apps) == "wake window 30 s, suspected from 3 strikes"


def test_the_rules_of_apps_that_differ_name_the_app():
    apps = [App(name="Phone"), App(name="Desk", threshold=2)]
    words = rules_in_words(apps)
    assert "Phone: wake window 30 s, suspected from 3 strikes" in words
    assert "Desk: wake window 30 s, suspected from 2 strikes" in words


@pytest.mark.parametrize(
    "rule",
    [
        *["register", "challenged", "answer", "beacon", "late", "ambiguous"],
        *[
            "foreground",
            "no_proof",
            "gap",
            "rejected",
            "unknown",
            "expired",
            "failed",
            "held",
        ],
    ],
)
def test_every_rule_a_verdict_can_name_has_a_sentence(rule):
    assert RULES[rule].endswith(".")


def test_a_span_is_told_in_one_unit():
    spans = [37, 300, 3 * 3600 + 59, 2 * 86400]
    told = [ago(NOW - timedelta(seconds=seconds), NOW) for seconds in spans]
    words = ("37 s", "5 min", "3 h", "2 d")
    assert told == [each.replace(" ", "\N{NO-BREAK SPACE}") for each in words]
