"""Hours of past in a few seconds: the proxy's log, and the pushes that were asked for.

The same engine as the live one, on a simulated clock. `pushes.jsonl` holds facts of sending
only; what they mean is for the product to find out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, TextIO
from uuid import UUID

from simulator import script
from simulator.callers import Call, next_calls, roster_of
from simulator.fleet import Fleet
from simulator.installs import Known
from simulator.ordeal import Ring
from simulator.phone import IosRule, Phone
from simulator.population import people

#: Everybody registers first; then the calls begin.
MORNING = timedelta(minutes=5)
LIVES = {"voip": timedelta(seconds=30), "alert": timedelta(days=7)}
#: The newest call of the past is that old, so that the players' looks are not in the way.
QUIET = timedelta(seconds=10)


def generate(
    *,
    seed: int,
    hours: float,
    phones: int,
    now: datetime,
    write: Callable[[bytes], Any],
    journal: TextIO,
    rule: IosRule | None = None,
) -> Fleet:
    """A fleet that lived through `hours` up to `now`; its log and its pushes are written."""
    cast = people(seed, phones)
    script.dress(cast)
    start = now - timedelta(hours=hours)
    fleet = Fleet(cast, write, seed=seed, rule=rule)
    fleet.begin(start)
    wake_up(fleet, start)
    calls = next_calls(seed, roster_of(cast), start + MORNING, now - QUIET)
    script.direct(fleet, calls, start, now)
    by_aor = {aor: phone for phone in cast for aor in phone.accounts}
    for call in calls:
        fleet.advance(call.at)
        row = place(fleet, by_aor[call.aor], call)
        if row is not None:
            journal.write(json.dumps(row) + "\n")
    fleet.advance(now)
    return fleet


def wake_up(fleet: Fleet, start: datetime) -> None:
    """Every phone registers once, spread over the morning."""
    chance = Random(f"{fleet.seed}/morning")
    for phone in fleet.phones.values():
        at = start + MORNING * chance.random() * 0.9
        fleet.plan(at, "open", phone.name)


def place(fleet: Fleet, phone: Phone, call: Call | Ring, copy: int = 0) -> dict | None:
    """Send one push. None when the registrar holds no binding: nobody would push then.

    `copy`: which repetition of the call's push it is.
    """
    at_ms = int(call.at.timestamp() * 1000)
    if not phone.is_bound(call.aor, at_ms):
        return None
    chance = Random(f"{fleet.seed}/send/{call.call_id}" + f"/{copy}" * bool(copy))
    sent_at = call.at + timedelta(milliseconds=chance.randint(5, 40))
    answered_at = sent_at + timedelta(milliseconds=chance.randint(35, 160))
    is_voip = call.push_type == "voip"
    token = phone.voip_token if is_voip else phone.remote_token
    status, reason = answer(fleet.lookup(token), phone.provider)
    if status == 200:
        until = call.at + LIVES[call.push_type]
        call_id = call.call_id if is_voip else ""
        fleet.push(token, call.push_type, answered_at, until, call_id)
    return {
        "aor": call.aor,
        "instance_id": phone.instance_id,
        "token": token.lower(),
        "environment": environment_of(phone.provider),
        "push_type": call.push_type,
        "call_id": call.call_id,
        "apns_id": str(UUID(int=chance.getrandbits(128), version=4)),
        "requested_at": call.at.isoformat(),
        "sent_at": sent_at.isoformat(),
        "answered_at": answered_at.isoformat(),
        "accepted_at": answered_at.isoformat() if status == 200 else None,
        "status": status,
        "reason": reason,
        "payload": payload(call),
    }


def environment_of(provider: str) -> str:
    """The environment a registration claims."""
    return "sandbox" if provider == "apns.dev" else "production"


def answer(known: Known | None, provider: str) -> tuple[int, str | None]:
    """What APNs says to a push with this token."""
    if known is None or known.environment != environment_of(provider):
        return 400, "BadDeviceToken"
    if known.retired_at is not None:
        return 410, "Unregistered"
    return 200, None


def payload(call: Call) -> dict:
    """Flexisip's payload keys (SIP.md §4)."""
    if call.push_type == "voip":
        aps = {"sound": "", "loc-key": "IC_MSG", "loc-args": [call.caller]}
        return {"aps": {**aps, "call-id": call.call_id}, "from-uri": call.caller}
    alert = {"loc-key": "IM_MSG", "loc-args": [call.caller]}
    return {
        "aps": {"alert": alert, "sound": "msg.caf", "mutable-content": 1},
        "from-uri": call.caller,
        "call-id": call.call_id,
    }
