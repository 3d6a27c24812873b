"""Brings ledgers up to the calls, signs and resets they rest on. Called by `handling` alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Q

from notifications.evidence import Evidence, Look, resets_of
from notifications.facts import Policy
from notifications.gathering import LONGEST_CALL
from notifications.models import Call, Ledger
from notifications.policy import policies_of
from notifications.risk import RECOVERED_FOR, JudgedCall, Risk, ledger, signs_of_life
from notifications.storing import update_rows

BATCH = 1000
CALLS = """
    SELECT call.token_id, call.id, call.call_id, call.sent_at, call.verdict,
        call.pushes_accepted, call.evidence ->> 'moment'
    FROM unnest(%s::bigint[]) AS wanted(token)
    CROSS JOIN LATERAL (
        SELECT max(sent_at) AS sent_at FROM notifications_call
        WHERE token_id = wanted.token AND verdict = 'handled' AND sent_at < %s
    ) AS ended
    JOIN notifications_call AS call ON call.token_id = wanted.token
        AND call.sent_at >= COALESCE(ended.sent_at, '-infinity')
    WHERE call.verdict IN ('handled', 'unhandled')
"""
FIELDS = [
    "state",
    "strikes",
    "pushes",
    "run",
    "first_strike_at",
    "last_strike_at",
    "last_sign_at",
    "recovered_at",
    "recovered_strikes",
    "threshold",
    "since",
    "next_change_at",
]


def refresh_ledgers(tokens: Iterable[int], now: datetime) -> list[int]:
    """Bring the ledgers of these tokens up to date; returns the tokens whose changed."""
    ordered = sorted(tokens)
    changed: list[int] = []
    for start in range(0, len(ordered), BATCH):
        changed += _refresh(ordered[start : start + BATCH], now)
    return changed


def _refresh(token_ids: list[int], now: datetime) -> list[int]:
    policies, resets = policies_of(token_ids), resets_of(token_ids)
    calls = _judged_calls(token_ids, now)
    alive = _signs_of_life(calls, resets, policies, now)
    rows = {row.token_id: row for row in Ledger.objects.filter(token__in=token_ids)}
    changed = []
    for token in token_ids:
        policy = policies[token]
        risk = ledger(calls[token], alive[token], resets[token], policy, now)
        row = rows.get(token) or Ledger(token_id=token, since=now)
        if _note(row, risk, policy, now) or row.pk is None:
            changed.append(row)
    Ledger.objects.bulk_create([row for row in changed if row.pk is None])
    update_rows([row for row in changed if row.token_id in rows], FIELDS)
    _mark_witnessed(changed)
    return [row.token_id for row in changed]


def _judged_calls(token_ids: list[int], now: datetime) -> dict[int, list[JudgedCall]]:
    """The calls a run or a recovery of now can rest on: a run goes on however long ago its
    last strike was, but none reaches past a handled call.
    """
    calls: dict[int, list[JudgedCall]] = defaultdict(list)
    settled = now - RECOVERED_FOR - LONGEST_CALL
    with connection.cursor() as cursor:
        cursor.execute(CALLS, [token_ids, settled])
        for token, pk, call_id, sent_at, verdict, pushes, proved_at in cursor:
            ended_at = datetime.fromisoformat(proved_at) if proved_at else None
            calls[token].append(
                JudgedCall(
                    call=pk,
                    call_id=call_id,
                    sent_at=sent_at,
                    verdict=verdict,
                    pushes=pushes,
                    ended_at=ended_at if verdict == "handled" else None,
                )
            )
    return calls


def _signs_of_life(calls, resets, policies, now) -> dict[int, list[datetime]]:
    """token → when its phone was seen alive since its run began; nothing where none stands."""
    looks = []
    for token, made in calls.items():
        run = ledger(made, (), resets[token], policies[token], now).run
        if run:
            since, policy = run[0].sent_at, policies[token]
            looks.append(Look(token=token, since=since, until=now, policy=policy))
    evidence = Evidence(looks, lines=False)
    alive: dict[int, list[datetime]] = defaultdict(list)
    for key, look in enumerate(looks):
        alive[look.token] = signs_of_life(
            evidence.signs(key), evidence.remotes(key), evidence.spans(key)
        )
    return alive


def _mark_witnessed(rows: list[Ledger]) -> None:
    """What the runs say of their strikes, on the calls themselves."""
    strikes = [strike for row in rows for strike in row.run]
    witnessed = {strike["call"] for strike in strikes if strike["witnessed"]}
    others = {strike["call"] for strike in strikes} - witnessed
    Call.objects.filter(pk__in=witnessed, witnessed=False).update(witnessed=True)
    was_one = Q(token__in=[row.token_id for row in rows]) & ~Q(verdict="unhandled")
    Call.objects.filter(Q(pk__in=others) | was_one, witnessed=True).update(
        witnessed=False
    )


def _note(row: Ledger, risk: Risk, policy: Policy, now: datetime) -> bool:
    """Bring the row up to the risk; True when anything of it changed."""
    before = [getattr(row, name) for name in FIELDS]
    if row.state != risk.state:
        row.state, row.since = risk.state, now
    row.strikes = len(risk.run)
    row.pushes = sum(strike.pushes for strike in risk.run)
    row.run = [
        {
            "call": strike.call,
            "call_id": strike.call_id,
            "sent_at": strike.sent_at.isoformat(),
            "pushes": strike.pushes,
            "witnessed": strike.witnessed,
        }
        for strike in risk.run
    ]
    row.first_strike_at = risk.run[0].sent_at if risk.run else None
    row.last_strike_at = risk.run[-1].sent_at if risk.run else None
    row.last_sign_at = risk.last_sign_at
    row.recovered_at = risk.recovered_at
    row.recovered_strikes = risk.recovered_strikes
    row.threshold = policy.threshold
    row.next_change_at = risk.next_change_at
    return before != [getattr(row, name) for name in FIELDS]
