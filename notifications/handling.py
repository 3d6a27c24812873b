"""Settles calls by pulling evidence, and keeps the ledgers. The one writer of both.

Driven by what is new, never by the history; safe to run twice, or from two places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from notifications.evidence import Evidence, Look, pushes_of
from notifications.facts import CallFacts, Policy, PushFacts
from notifications.gathering import gather, touched_ledgers
from notifications.judging import Verdict, Window, judge, strike_stands, window_of
from notifications.ledgers import refresh_ledgers
from notifications.models import Call, Ledger, VerdictChange
from notifications.policy import policies_of
from notifications.storing import update_rows
from notifications.watermarks import Watermarks

NAMESPACE = 0x7365746C
BATCH = 1000
CALL_FIELDS = [
    "pushes_accepted",
    "sent_at",
    "accepted_at",
    "handle_by",
    "verdict",
    "rule",
    "evidence",
    "wake_time",
    "held_by",
    "waits_for",
]
STORED_FIELDS = [*CALL_FIELDS, "judged_at"]


@dataclass(frozen=True, slots=True)
class Settled:
    """The calls whose verdict changed, and the tokens whose ledger did."""

    judged: list[int]
    ledgers: list[int]


@transaction.atomic
def settle(now: datetime) -> Settled:
    """One round. When another process settles just now, it does nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [NAMESPACE])
        if not cursor.fetchone()[0]:
            return Settled([], [])
    news = gather(now)
    judged, tokens = judge_calls(news.calls, now)
    tokens |= touched_ledgers(news, now)
    return Settled(judged, refresh_ledgers(tokens, now))


@transaction.atomic
def rebuild(now: datetime) -> Settled:
    """Every verdict and ledger anew from the rows. Returns what came out different."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [NAMESPACE])
    while (news := gather(now)).has_more:
        touched_ledgers(news, now)
    calls = Call.objects.order_by("sent_at", "pk").values_list("pk", flat=True)
    judged, _ = judge_calls(list(calls), now)
    tokens = Call.objects.order_by().values_list("token", flat=True)
    ledgers = Ledger.objects.values_list("token", flat=True)
    return Settled(judged, refresh_ledgers({*tokens.distinct(), *ledgers}, now))


def judge_calls(pks: Iterable[int], now: datetime) -> tuple[list[int], set[int]]:
    """Judge these calls. Returns those that changed, and their tokens."""
    ordered = list(pks)
    changed, tokens = [], set()
    for start in range(0, len(ordered), BATCH):
        calls = list(Call.objects.filter(pk__in=ordered[start : start + BATCH]))
        told = {call.pk: _told(call) for call in calls}
        moved = _judge_batch(calls, now)
        tokens.update(call.token_id for call in moved)
        changed += [call.pk for call in moved if _told(call) != told[call.pk]]
    return changed, tokens


def _told(call: Call) -> tuple:
    """What of a verdict is news; the age of the feeds that hold it is not."""
    held_by = [(held["feed"], held["why"]) for held in call.held_by]
    return call.verdict, call.rule, call.evidence, call.wake_time, held_by


@dataclass(slots=True)
class Case:
    """A call on the table: its facts, its verdict so far, and the feeds that hold it."""

    call: Call
    policy: Policy
    facts: CallFacts
    window: Window | None
    verdict: Verdict
    devices: set[int]

    @property
    def deadline(self) -> datetime | None:
        """What the feeds must have been read past."""
        return self.window and self.window.handle_by + self.policy.grace

    def is_overdue(self, now: datetime) -> bool:
        """Nothing was found, and the deadline is past: the feeds decide."""
        is_open = self.verdict.verdict == Call.Verdict.AWAITED
        return is_open and self.deadline is not None and self.deadline <= now


def _judge_batch(calls: list[Call], now: datetime) -> list[Call]:
    cases = _cases(calls)
    overdue = [case for case in cases if case.is_overdue(now)]
    watermarks = None
    if overdue:
        devices = {device for case in overdue for device in case.devices}
        watermarks = Watermarks(devices, now)
    changed, changes = [], []
    for case in cases:
        before = [getattr(case.call, name) for name in CALL_FIELDS]
        given = _given(case.call)
        case.call.held_by, case.call.waits_for = [], None
        if case.is_overdue(now):
            _ask_the_feeds(case, watermarks.of(case.devices), now)
        _note(case)
        if before != [getattr(case.call, name) for name in CALL_FIELDS]:
            changed.append(case.call)
            changes += _history(case.call, given, now)
    update_rows(changed, STORED_FIELDS)
    VerdictChange.objects.bulk_create(changes)
    return changed


def _cases(calls: list[Call]) -> list[Case]:
    policies, pushes = policies_of({call.token_id for call in calls}), pushes_of(calls)
    windows = [window_of(pushes[call.pk], policies[call.token_id]) for call in calls]
    looks: list[Look] = []
    keys: list[int | None] = []
    for call, window in zip(calls, windows, strict=True):
        keys.append(None if window is None else len(looks))
        if window is not None:
            looks.append(_look(call, window, policies[call.token_id]))
    evidence = Evidence(looks, lines=True)
    return [
        _case(call, policies[call.token_id], pushes[call.pk], window, evidence, key)
        for call, window, key in zip(calls, windows, keys, strict=True)
    ]


def _look(call: Call, window: Window, policy: Policy) -> Look:
    since = window.sent_at - policy.foreground_window
    return Look(token=call.token_id, since=since, until=window.late_by, policy=policy)


def _case(
    call: Call,
    policy: Policy,
    pushes: Sequence[PushFacts],
    window: Window | None,
    evidence: Evidence,
    key: int | None,
) -> Case:
    facts = CallFacts(call_id=call.call_id, pushes=pushes)
    if key is not None:
        facts = CallFacts(
            call_id=call.call_id,
            pushes=pushes,
            signs=evidence.signs(key),
            remotes=evidence.remotes(key),
            others=evidence.spans(key, but=call.call_id),
        )
    stands = strike_stands(call.verdict, call.handle_by, window)
    read_until = window.handle_by + policy.grace if stands else None
    verdict = judge(facts, policy, read_until)
    devices = evidence.devices_of[call.token_id]
    return Case(call, policy, facts, window, verdict, devices)


def _ask_the_feeds(case: Case, watermark, now: datetime) -> None:
    case.verdict = judge(case.facts, case.policy, watermark.read_until)
    if case.verdict.verdict == Call.Verdict.AWAITED:
        case.call.held_by = watermark.held_by(case.deadline, now)
        case.call.waits_for = watermark.slowest


def _note(case: Case) -> None:
    """Bring the row up to the verdict."""
    call, verdict, window = case.call, case.verdict, case.window
    pushes = case.facts.pushes
    accepted = [push.accepted_at for push in pushes if push.accepted_at is not None]
    departures = [push.sent_at for push in pushes if push.sent_at is not None]
    call.pushes_accepted = len(accepted)
    call.verdict, call.rule = verdict.verdict, verdict.rule
    call.evidence, call.wake_time = verdict.evidence, verdict.wake_time
    call.sent_at = window.sent_at if window else min(departures, default=None)
    call.accepted_at = max(accepted, default=None)
    call.handle_by = window.handle_by if window else None


def _given(call: Call) -> tuple:
    return call.verdict, call.rule, call.evidence, call.judged_at


def _history(call: Call, given: tuple, now: datetime) -> list[VerdictChange]:
    """A verdict that was given and is another now; `judged_at` moves with it."""
    if given[:3] == _given(call)[:3]:
        return []
    verdict, rule, evidence, judged_at = given
    call.judged_at = now
    if verdict in {Call.Verdict.AWAITED, call.verdict}:
        return []
    return [
        VerdictChange(
            call=call,
            at=now,
            verdict=verdict,
            rule=rule,
            evidence=evidence,
            judged_at=judged_at or now,
            became=call.verdict,
            became_rule=call.rule,
        )
    ]
