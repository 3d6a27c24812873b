"""Brings ledgers up to the calls, signs and resets they rest on. Called by `handling` alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, Q

from notifications.evidence import Evidence, resets_of, windows_of
from notifications.judging import Policy
from notifications.models import App, Call, Ledger
from notifications.policy import policy_of
from notifications.risk import JudgedCall, Risk, ledger, signs_of_life
from registrations.models import DeviceEvent, PushToken

BATCH = 200
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


def refresh_ledgers(touched: Iterable[int], now: datetime) -> list[int]:
    """The ledgers of the touched tokens, and of all that a sign of life, a reset or the clock
    may have moved. Returns the tokens whose ledger changed.
    """
    tokens = sorted({*touched, *_movable()})
    changed: list[int] = []
    for start in range(0, len(tokens), BATCH):
        changed += _refresh(set(tokens[start : start + BATCH]), now)
    return changed


def _movable() -> set[int]:
    """Tokens with a run or a recovery. Of released ones, which gather over the weeks and no
    sign of life moves, only those that were reset since.
    """
    released = Q(state=Ledger.State.RELEASED)
    standing = Ledger.objects.exclude(Q(state=Ledger.State.FINE) | released)
    is_reset = Q(token__resets__at__gt=F("last_strike_at"))
    is_reinstalled = Q(
        token__events__kind=DeviceEvent.Kind.REINSTALLED,
        token__events__moment__gt=F("last_strike_at"),
    )
    anew = Ledger.objects.filter(released, is_reset | is_reinstalled)
    tokens = [*standing.values_list("token", flat=True)]
    return {*tokens, *anew.values_list("token", flat=True)}


def _refresh(token_ids: set[int], now: datetime) -> list[int]:
    policies = _policies(token_ids)
    resets = resets_of(token_ids)
    calls = _judged_calls(token_ids)
    since = _oldest_strike(token_ids, calls, resets, now)
    evidence = Evidence(token_ids, since, now)
    windows = windows_of(token_ids, policies, since)
    rows = {row.token_id: row for row in Ledger.objects.filter(token__in=token_ids)}
    changed = []
    for token in sorted(token_ids):
        signs = signs_of_life(
            [sign.moment for sign in evidence.all_signs(token)],
            evidence.remotes(token),
            [(start, end) for _, start, end in windows[token]],
        )
        policy = policies[token]
        risk = ledger(calls[token], signs, resets[token], policy, now)
        row = rows.get(token) or Ledger(token_id=token, since=now)
        if _note(row, risk, policy, now) or row.pk is None:
            changed.append(row)
    Ledger.objects.bulk_create([row for row in changed if row.pk is None])
    Ledger.objects.bulk_update([row for row in changed if row.pk], FIELDS)
    _mark_witnessed(changed)
    return [row.token_id for row in changed]


def _judged_calls(token_ids: set[int]) -> dict[int, list[JudgedCall]]:
    """All of them: a run goes on however long ago its last strike was."""
    calls: dict[int, list[JudgedCall]] = defaultdict(list)
    rows = Call.objects.filter(token__in=token_ids, sent_at__isnull=False)
    for token, pk, call_id, sent_at, verdict, pushes, proved_at in rows.exclude(
        verdict=Call.Verdict.AWAITED
    ).values_list(
        "token",
        "pk",
        "call_id",
        "sent_at",
        "verdict",
        "pushes_accepted",
        "evidence__moment",
    ):
        is_handled = verdict == Call.Verdict.HANDLED
        calls[token].append(
            JudgedCall(
                call=pk,
                call_id=call_id,
                sent_at=sent_at,
                verdict=verdict,
                pushes=pushes,
                ended_at=datetime.fromisoformat(proved_at) if is_handled else None,
            )
        )
    return calls


def _oldest_strike(token_ids, calls, resets, now: datetime) -> datetime:
    """From where on signs of life matter: the first strike of any run that stands."""
    runs = [
        ledger(calls[token], (), resets[token], Policy(), now).run
        for token in token_ids
    ]
    return min((run[0].sent_at for run in runs if run), default=now)


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


def _policies(token_ids: set[int]) -> dict[int, Policy]:
    by_bundle = {app.bundle_id: policy_of(app) for app in App.objects.all()}
    tokens = PushToken.objects.filter(pk__in=token_ids)
    return {token.pk: by_bundle.get(token.bundle_id, Policy()) for token in tokens}


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
