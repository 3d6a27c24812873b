"""Six generated hours: reproducible, in order, and with the players the demo needs."""

import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from simulator.past import generate
from simulator.script import CAST

NOW = datetime(2026, 7, 1, 14, tzinfo=UTC)
WAKE_WINDOW = timedelta(seconds=30)


class Past:
    def __init__(self, seed: int, hours: float = 6) -> None:
        self.log, self.requests, journal = bytearray(), [], io.StringIO()
        self.fleet = generate(
            seed=seed,
            hours=hours,
            phones=90,
            now=NOW,
            write=self.log.extend,
            journal=journal,
        )
        self.rows = [json.loads(line) for line in journal.getvalue().splitlines()]


@pytest.fixture(scope="module")
def past():
    return Past(1)


def registers_of(log: bytes) -> dict[str, list[datetime]]:
    """AOR → moments of its REGISTERs, read from the log's lines."""
    found: dict[str, list[datetime]] = {}
    for line in log.decode().splitlines():
        if "] REGISTER (" in line:
            stamp = line[:19] + "." + line[20:23] + "+00:00"
            aor = line.partition(" from ")[2].partition(" to ")[0]
            found.setdefault(aor, []).append(datetime.fromisoformat(stamp))
    return found


def runs_of(past) -> dict[str, list[datetime]]:
    """AOR → the accepted VoIP pushes since its last answered one, by log and journal."""
    registers, runs = registers_of(past.log), {}
    for row in past.rows:
        if row["push_type"] != "voip" or row["status"] != 200:
            continue
        sent = datetime.fromisoformat(row["accepted_at"])
        answers = registers.get(row["aor"], [])
        if any(sent <= at <= sent + WAKE_WINDOW for at in answers):
            runs[row["aor"]] = []
        else:
            runs.setdefault(row["aor"], []).append(sent)
    return runs


def players(past, part: str) -> list[str]:
    names = [phone.accounts[0] for phone in past.fleet.phones.values()]
    return [names[index] for index in CAST[part]]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = Past(3, 1), Past(3, 1), Past(4, 1)
    assert first.log == again.log
    assert first.rows == again.rows
    assert first.log != other.log


def test_the_calls_come_in_the_promised_number_with_few_rejects(past):
    assert 6 * 355 <= len(past.rows) <= 10 * 355
    rejected = [row for row in past.rows if row["status"] != 200]
    assert 0.015 <= len(rejected) / len(past.rows) <= 0.04
    reasons = Counter(row["reason"] for row in rejected)
    assert set(reasons) == {"Unregistered", "BadDeviceToken"}
    assert len({row["apns_id"] for row in past.rows}) == len(past.rows)


def test_the_log_has_a_pulse_each_second_and_times_that_never_run_back(past):
    prefixes = [
        line[:23]
        for line in past.log.decode().splitlines()
        if " flexisip-" in line[:36]
    ]
    assert prefixes == sorted(prefixes)
    seconds = {
        line[:19] for line in past.log.decode().splitlines() if "OPTIONS" in line
    }
    assert len(seconds) == 6 * 3600 + 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_players_are_where_the_demo_needs_them(seed):
    past = Past(seed)
    runs, registers = runs_of(past), registers_of(past.log)
    for aor in players(past, "blocked"):
        run = runs[aor]
        assert len(run) >= 3
        # witnessed: seen alive after the first strike, before another one
        assert any(run[0] + WAKE_WINDOW < at < run[-1] for at in registers[aor])
    for part, strikes in (("two", 2), ("one", 1)):
        for aor in players(past, part):
            assert len(runs[aor]) == strikes, (part, aor)
    for aor in players(past, "silent"):
        assert len(runs[aor]) >= 3
        assert max(registers[aor]) < runs[aor][0]
    for aor in players(past, "recovered") + players(past, "reinstalled"):
        assert runs[aor] == []


def test_a_phone_with_two_strikes_reaches_three_in_the_first_minutes():
    # the first of the twos is called at every turn
    past = Past(1)
    aor = players(past, "two")[0]
    gaps = [
        datetime.fromisoformat(row["requested_at"])
        for row in past.rows
        if row["aor"] == aor
    ]
    longest = max(b - a for a, b in zip(gaps[-40:], gaps[-39:], strict=False))
    assert longest <= timedelta(minutes=7)


def test_a_past_too_short_for_a_call_of_every_player_is_lived_through():
    short = Past(1, hours=0.2)
    assert len(registers_of(short.log)) >= 90
    called = {row["aor"] for row in short.rows}
    uncalled = set(registers_of(short.log)) - called
    assert called and uncalled
