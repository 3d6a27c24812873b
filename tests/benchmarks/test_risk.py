"""The short form of `bin/bench risk`, and what its score counts."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from benchmarks import risk, risk_rules
from benchmarks.risk_facts import Install, judged
from benchmarks.risk_score import Move, blocked, score, showing
from benchmarks.risk_world import Truth
from notifications.facts import Policy, PushFacts, Sign
from simulator.clock import ms
from tests.factories import MORNING

START = ms(MORNING)
MINUTE = 60_000
HOUR = timedelta(hours=1)


def test_a_short_rehearsal_blames_no_feed(printed):
    risk.main(["--seeds", "2", "--phones", "90", "--days", "0.15"])
    row = printed()[-1]
    assert row["bench"] == "risk"
    assert row["blamed_on_feeds"] == 0
    assert row["pushes"] > 20
    assert row["handled"] > 10


def moved(minutes: int, state: str, run: tuple[str, ...] = ()) -> Move:
    return Move(MORNING + timedelta(minutes=minutes), "token", state, run)


def scored(truth: Truth, *moves: Move):
    return score({"phone": truth}, moves, {"token": "phone"}, 2.0)


SECOND = 1_000


@pytest.fixture
def truth() -> Truth:
    """Blocked after 30 minutes, seen at 60, called at 65 and 90; reinstalled at 200."""
    events = [(30, "blocked"), (60, "seen"), (200, "reinstalled")]
    pushes = [10, 20, 30, 65, 90]
    found = Truth(
        events=[(START + at * MINUTE, what) for at, what in events],
        pushes=[START + at * MINUTE for at in pushes],
        registers=[START + 60 * MINUTE],
    )
    withhold(found, 65, 90)
    return found


def withhold(truth: Truth, *minutes: int) -> None:
    """iOS keeps the pushes of these minutes from the app, half a second after they left."""
    truth.events += [(START + at * MINUTE + 500, "withheld") for at in minutes]
    truth.events.sort()


def shown(truth: Truth) -> list[float]:
    """The minutes of the pushes that can show its first block."""
    pushes = showing(truth, blocked(truth)[0], timedelta(minutes=15))
    return [(at - START) / MINUTE for at in pushes]


def test_a_block_that_is_found_at_the_first_push_it_can_be_seen_by(truth):
    found = scored(truth, moved(66, "suspected"), moved(201, "fine"))
    assert (found.seeable, found.seeable_found, found.recall) == (1, 1, 1.0)
    assert (found.suspected, found.precision, found.pushes_to_detect) == (1, 1.0, 1)
    assert (found.wrong, found.missed) == ((), ())


def test_pushes_that_cannot_show_the_block_are_told_apart(truth):
    truth.pushes = sorted([*truth.pushes, START + 40 * MINUTE, START + 50 * MINUTE])
    found = scored(truth, moved(66, "suspected"), moved(201, "fine"))
    assert (found.pushes_to_detect, found.pushes_that_show) == (3, 1)
    assert (found.pushes_between, found.pushes_that_cannot_show) == (3, 2)
    assert (found.pushes_once_visible, found.pushes_until_visible) == (0, 3)


def test_an_alarm_two_pushes_late_misses_its_bar(truth):
    truth.pushes.insert(4, START + 70 * MINUTE)
    withhold(truth, 70)
    given = SimpleNamespace(phones=1, days=2.0, threshold=3, release_hours=24)
    for minute, is_met in ((66, True), (71, False)):
        found = scored(truth, moved(minute, "suspected"), moved(201, "fine"))
        assert risk.told(given, 1, found, 0)["ok"] is is_met


def test_an_alarm_before_the_block_or_behind_it_is_false(truth):
    for at in (25, 205):
        found = scored(truth, moved(at, "suspected"), moved(at + 2, "fine"))
        assert (found.suspected, found.precision, found.recall) == (1, 0.0, 0.0)
        assert found.false_per_1000_device_days == 500
        assert (found.wrong, found.missed) == (("phone",), ("phone",))


def test_a_block_nobody_could_see_is_not_asked_for(truth):
    truth.registers.clear()
    found = scored(truth)
    assert (found.blocks, found.seeable, found.recall) == (1, 0, 1.0)


def test_a_sign_of_life_before_the_block_shows_it_too(truth):
    truth.registers = [START + 29 * MINUTE]
    truth.pushes = [START + at * MINUTE for at in (10, 20, 27, 40, 90)]
    truth.events = [(START + 28 * MINUTE, "blocked")]
    withhold(truth, 40, 90)
    assert shown(truth) == [40]
    truth.registers = [START + 26 * MINUTE]
    assert shown(truth) == [40]


def test_an_answered_remote_push_is_a_sign_of_life_and_a_prompted_register_is_none(
    truth,
):
    truth.registers = [START + 65 * MINUTE + 20 * SECOND]
    truth.pushes.insert(4, START + 70 * MINUTE)
    withhold(truth, 70)
    assert shown(truth) == []
    truth.remotes = [START + 65 * MINUTE + 10 * SECOND]
    assert shown(truth) == [70]


def test_the_push_that_finds_the_block_over_does_not_show_it(truth):
    truth.events = [(START + 30 * MINUTE, "blocked")]
    truth.events += [
        (START + 65 * MINUTE + 500, "released"),
        (START + 65 * MINUTE + 500, "fails"),
    ]
    assert shown(truth) == []


def test_a_push_just_after_the_app_was_opened_does_not_show_it(truth):
    truth.registers.append(START + 65 * MINUTE - 19 * SECOND)
    assert shown(truth) == []


def test_a_strike_whose_register_stands_in_the_log_is_blamed(truth):
    truth.calls["c1"].append(START + 10 * MINUTE)
    truth.registers.append(START + 10 * MINUTE + 2_000)
    found = scored(truth, moved(66, "suspected", ("c1",)))
    assert found.blamed_on_feeds == 1


def test_a_strike_whose_answer_stands_in_the_log_is_blamed(truth):
    truth.calls["c1"].append(START + 10 * MINUTE)
    truth.rang["c2"] = START + 10 * MINUTE + 2_000
    assert scored(truth, moved(66, "suspected", ("c1",))).blamed_on_feeds == 0
    truth.rang["c1"] = START + 10 * MINUTE + 2_000
    assert scored(truth, moved(66, "suspected", ("c1",))).blamed_on_feeds == 1


def test_the_rules_alone_meet_the_same_truth(capsys):
    risk_rules.main(["--seeds", "2", "--phones", "150", "--days", "0.5"])
    row = json.loads(capsys.readouterr().out)
    assert (row["bench"], row["seed"], row["blamed_on_feeds"]) == ("risk-rules", 2, 0)
    assert row["blocks"] > 0
    assert row["suspected"] > 0


def installed(*signs: Sign) -> Install:
    return Install(signs=list(signs))


def test_a_call_is_judged_by_what_the_log_would_have_shown():
    pushes = {
        "woken": [PushFacts("accepted", MORNING, MORNING)],
        "asleep": [PushFacts("accepted", MORNING + HOUR, MORNING + HOUR)],
        "refused": [PushFacts("rejected", MORNING + 2 * HOUR, None)],
    }
    phone = installed(Sign(MORNING + timedelta(seconds=2), "register"))
    calls = judged(pushes, phone, Policy())
    assert [(call.call_id, call.verdict.verdict) for call in calls] == [
        ("woken", "handled"),
        ("asleep", "unhandled"),
    ]
