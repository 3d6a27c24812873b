"""Who calls whom and when. Pure: the same seed and minute give the same calls, whoever asks.

A phone is called in one minute of three at most, so that two calls of it are two minutes
apart and one answer cannot be taken for another's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from simulator.phone import Phone

CALLS_A_MINUTE = (6, 10)
ALERT_SHARE = 0.12
MINUTE = timedelta(minutes=1)
TURNS = 3
CALLERS = [
    "reception",
    "door",
    "switchboard",
    "+33952635505",
    "+4930123456",
    "backoffice",
]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """One account on one phone, as the callers know it. `turn`: its minute of three."""

    aor: str
    instance_id: str
    bundle_id: str
    environment: str
    weight: float
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A push somebody asks for: a VoIP push for a call, an alert for a text message."""

    at: datetime
    aor: str
    instance_id: str
    push_type: str
    call_id: str
    caller: str


def roster_of(phones: Iterable[Phone]) -> list[Callee]:
    """Everybody who may be called, in the fleet's order."""
    return [
        Callee(
            aor=aor,
            instance_id=phone.instance_id,
            bundle_id=phone.bundle_id,
            environment="sandbox" if phone.provider == "apns.dev" else "production",
            weight=phone.weight,
            turn=index % TURNS,
        )
        for index, phone in enumerate(phones)
        for aor in phone.accounts[:1]
        if phone.weight > 0
    ]


def save_roster(path: Path, seed: int, callees: list[Callee]) -> None:
    """Write `roster.json` in one step."""
    part = path.with_suffix(".part")
    rows = [asdict(callee) for callee in callees]
    part.write_text(json.dumps({"seed": seed, "callees": rows}, indent=1))
    part.replace(path)


def load_roster(path: Path) -> tuple[int, list[Callee]]:
    """The seed and the callees that `save_roster` wrote."""
    kept = json.loads(path.read_text())
    return kept["seed"], [Callee(**row) for row in kept["callees"]]


def next_calls(
    seed: int, phones: list[Callee], since: datetime, until: datetime
) -> list[Call]:
    """The calls of `since` < at ≤ `until`, in order. Both aware."""
    minute = since.astimezone(UTC).replace(second=0, microsecond=0)
    calls: list[Call] = []
    while minute <= until:
        calls += [
            call for call in _minute(seed, phones, minute) if since < call.at <= until
        ]
        minute += MINUTE
    return calls


def _minute(seed: int, phones: list[Callee], minute: datetime) -> list[Call]:
    number = int(minute.timestamp()) // 60
    chance = Random(f"{seed}/calls/{number}")
    free = [callee for callee in phones if callee.turn == number % TURNS]
    count = min(len(free), chance.randint(*CALLS_A_MINUTE))
    # Efraimidis and Spirakis: the largest u^(1/w) are a weighted draw without replacement
    ranked = sorted(free, key=lambda callee: -(chance.random() ** (1 / callee.weight)))
    seconds = sorted(chance.sample(range(2_000, 56_000), count))
    return [
        _call(callee, minute + timedelta(milliseconds=at), chance)
        for callee, at in zip(_shuffled(ranked[:count], chance), seconds, strict=True)
    ]


def _shuffled(callees: list[Callee], chance: Random) -> list[Callee]:
    return chance.sample(callees, len(callees))


def _call(callee: Callee, at: datetime, chance: Random) -> Call:
    is_alert = chance.random() < ALERT_SHARE
    return Call(
        at=at,
        aor=callee.aor,
        instance_id=callee.instance_id,
        push_type="alert" if is_alert else "voip",
        call_id="".join(chance.choices(LETTERS, k=10)),
        caller=f"sip:{chance.choice(CALLERS)}@sip.example.org",
    )
