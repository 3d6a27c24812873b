"""Brings ledgers up to the calls, signs and resets they rest on. Called by `handling` alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from notifications.evidence import Evidence, Look, resets_of
from notifications.facts import Policy
from notifications.gathering import LONGEST_CALL
from notifications.models import Ledger
from notifications.risk import RECOVERED_FOR, JudgedCall, Risk, ledger, signs_of_life
from notifications.storing import put_rows

BATCH = 1000
CALLS = """
    SELECT call.token_id, call.id, call.call_id, call.sent_at, call.verdict,
        call.pushes_accepted,
        CASE call.verdict WHEN 'handled' THEN call.evidence ->> 'moment' END
    FROM unnest(%s::bigint[]) AS wanted(token)
    CROSS JOIN LATERAL (
        SELECT max(sent_at) AS sent_at FROM notifications_call
        WHERE token_id = wanted.token AND verdict = 'handled' AND sent_at < %s
    ) AS ended
    JOIN notifications_call AS call ON call.token_id = wanted.token
        AND call.sent_at >= COALESCE(ended.sent_at, '-infinity')
    WHERE call.verdict IN ('handled', 'unhandled')
"""
STANDING = """
    SELECT token.id, token.bundle_id, ledger.state, ledger.strikes, ledger.pushes,
        ledger.run, ledger.first_strike_at, ledger.last_strike_at, ledger.last_sign_at,
        ledger.recovered_at, ledger.recovered_strikes, ledger.threshold,
        ledger.next_change_at, ledger.since
    FROM registrations_pushtoken token
    LEFT JOIN notifications_ledger ledger ON ledger.token_id = token.id
    WHERE token.id = ANY(%s) ORDER BY token.id
"""
#: What the runs say of their strikes, on the calls themselves.
MARK = """
    UPDATE notifications_call SET witnessed = NOT witnessed
    WHERE id = ANY(%s) AND NOT witnessed OR id = ANY(%s) AND witnessed
"""


class Standing(NamedTuple):
    """What a ledger's row says; `since` goes with it and is no news."""

    state: str
    strikes: int
    pushes: int
    run: list[dict]
    first_strike_at: datetime | None
    last_strike_at: datetime | None
    last_sign_at: datetime | None
    recovered_at: datetime | None
    recovered_strikes: int
    threshold: int
    next_change_at: datetime | None


def refresh_ledgers(
    tokens: Iterable[int], policies: dict[str, Policy], now: datetime
) -> list[int]:
    """Bring the ledgers of these tokens up to date; returns the tokens whose changed."""
    ordered = sorted(tokens)
    changed: list[int] = []
    for start in range(0, len(ordered), BATCH):
        changed += _refresh(ordered[start : start + BATCH], policies, now)
    return changed


def _refresh(
    token_ids: list[int], policies: dict[str, Policy], now: datetime
) -> list[int]:
    rows = _rows(STANDING, token_ids)
    policy_of = {token: policies[bundle_id] for token, bundle_id, *_ in rows}
    resets, calls = resets_of(token_ids), _judged_calls(token_ids, now)
    alive = _signs_of_life(calls, resets, policy_of, now)
    changed, runs = [], []
    for token, _, *values, since in rows:
        policy = policy_of[token]
        risk = ledger(calls[token], alive[token], resets[token], policy, now)
        told, before = _standing(risk, policy), _before(values)
        if told != before:
            is_same = before is not None and before.state == told.state
            changed.append((token, *told, since if is_same else now))
            runs += told.run
    put_rows(Ledger, ["token", *Standing._fields, "since"], changed)
    _mark_witnessed(runs)
    return [token for token, *_ in changed]


def _rows(query: str, *values: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def _before(values: Sequence) -> Standing | None:
    told = Standing(*values)
    return None if told.state is None else told._replace(run=json.loads(told.run))


def _judged_calls(token_ids: list[int], now: datetime) -> dict[int, list[JudgedCall]]:
    """The calls a run or a recovery of now can rest on: a run goes on however long ago its
    last strike was, but none reaches past a handled call.
    """
    calls: dict[int, list[JudgedCall]] = defaultdict(list)
    settled = now - RECOVERED_FOR - LONGEST_CALL
    for token, *facts, proved_at in _rows(CALLS, token_ids, settled):
        is_proved = proved_at is not None
        ended_at = datetime.fromisoformat(proved_at) if is_proved else None
        calls[token].append(JudgedCall(*facts, ended_at))
    return calls


def _signs_of_life(calls, resets, policy_of, now) -> dict[int, list[datetime]]:
    """token → when its phone was seen alive since its run began; nothing where none stands."""
    looks = []
    for token, made in calls.items():
        run = ledger(made, (), resets[token], policy_of[token], now).run
        if run:
            looks.append(Look(token, run[0].sent_at, now, policy_of[token]))
    evidence = Evidence(looks, lines=False)
    alive: dict[int, list[datetime]] = defaultdict(list)
    for key, look in enumerate(looks):
        alive[look.token] = signs_of_life(
            evidence.signs(key), evidence.remotes(key), evidence.spans(key)
        )
    return alive


def _mark_witnessed(strikes: list[dict]) -> None:
    if strikes:
        witnessed = [strike["call"] for strike in strikes if strike["witnessed"]]
        others = [strike["call"] for strike in strikes if not strike["witnessed"]]
        with connection.cursor() as cursor:
            cursor.execute(MARK, [witnessed, others])


def _standing(risk: Risk, policy: Policy) -> Standing:
    run = [
        strike._asdict() | {"sent_at": strike.sent_at.isoformat()}
        for strike in risk.run
    ]
    return Standing(
        risk.state,
        len(run),
        sum(strike.pushes for strike in risk.run),
        run,
        risk.run[0].sent_at if run else None,
        risk.run[-1].sent_at if run else None,
        risk.last_sign_at,
        risk.recovered_at,
        risk.recovered_strikes,
        policy.threshold,
        risk.next_change_at,
    )
