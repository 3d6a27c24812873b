"""Settles open calls by pulling evidence, and keeps the ledgers. The one writer of both.

Driven by open calls, never by REGISTER traffic; safe to run twice, or from two places.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from notifications.evidence import Evidence, pushes_of, windows_of
from notifications.judging import CallFacts, Policy, Verdict, judge, window_of
from notifications.ledgers import refresh_ledgers
from notifications.models import App, Call, Ledger, Push
from notifications.policy import policy_of
from notifications.watermarks import Watermarks

NAMESPACE = 0x7365746C
BATCH = 500
#: A judged call is looked at again this long: evidence may be read late.
LOOK_AGAIN = timedelta(minutes=5)
LOOK_AGAIN_AT_STRIKES = timedelta(hours=2)
#: A push withdrawn before it was sent has no verdict.
JUDGED = Push.FINAL - {Push.State.CANCELLED}
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
    "judged_at",
]


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
    gather(now)
    is_recent = Q(accepted_at__gte=now - LOOK_AGAIN)
    is_strike = Q(verdict="unhandled", accepted_at__gte=now - LOOK_AGAIN_AT_STRIKES)
    calls = Call.objects.filter(Q(verdict="awaited") | is_recent | is_strike)
    judged, tokens = judge_calls(calls, now)
    return Settled(judged, refresh_ledgers(tokens, now))


def rebuild(now: datetime) -> Settled:
    """Every verdict and ledger anew from the rows. Returns what came out different."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [NAMESPACE])
        gather(now)
        judged, _ = judge_calls(Call.objects.all(), now)
        tokens = {
            *Call.objects.values_list("token", flat=True).distinct(),
            *Ledger.objects.values_list("token", flat=True),
        }
        return Settled(judged, refresh_ledgers(tokens, now))


def gather(now: datetime) -> None:
    """Put VoIP pushes that left (or never will) under their call."""
    loose = Push.objects.filter(push_type=Push.Type.VOIP, sip_call__isnull=True)
    pushes = list(loose.filter(state__in=JUDGED).only("pk", "token", "call_id"))
    keys = {(push.token_id, push.call_id) for push in pushes}
    Call.objects.bulk_create(
        [Call(token_id=token, call_id=text, created_at=now) for token, text in keys],
        ignore_conflicts=True,
    )
    known = Call.objects.filter(token__in={token for token, _ in keys})
    known = known.filter(call_id__in={text for _, text in keys})
    calls = {(call.token_id, call.call_id): call for call in known}
    for push in pushes:
        push.sip_call = calls[push.token_id, push.call_id]
    Push.objects.bulk_update(pushes, ["sip_call"], BATCH)
    # A push that joined a judged call opens it again.
    Call.objects.filter(pk__in={push.sip_call_id for push in pushes}).exclude(
        verdict="awaited"
    ).update(verdict="awaited", rule="", evidence=None)


def judge_calls(calls: Iterable[Call], now: datetime) -> tuple[list[int], set[int]]:
    """Judge these calls. Returns those that changed, and their tokens."""
    ordered = list(calls.order_by("created_at", "pk").select_related("token"))
    policies = {app.bundle_id: policy_of(app) for app in App.objects.all()}
    changed, tokens = [], set()
    for start in range(0, len(ordered), BATCH):
        before = {call.pk: _told(call) for call in ordered[start : start + BATCH]}
        for call in _judge_batch(ordered[start : start + BATCH], policies, now):
            tokens.add(call.token_id)
            if _told(call) != before[call.pk]:
                changed.append(call.pk)
    return changed, tokens


def _told(call: Call) -> tuple:
    """What of a verdict is news; the age of the feeds that hold it is not."""
    held_by = [(held["feed"], held["why"]) for held in call.held_by]
    return call.verdict, call.rule, call.evidence, call.wake_time, held_by


def _judge_batch(calls: list[Call], by_bundle: dict[str, Policy], now) -> list[Call]:
    pushes = pushes_of(calls)
    policies = {
        call.token_id: by_bundle.get(call.token.bundle_id, Policy()) for call in calls
    }
    windows = {
        call.pk: window_of(pushes[call.pk], policies[call.token_id]) for call in calls
    }
    open_windows = [window for window in windows.values() if window is not None]
    since = min((window.sent_at for window in open_windows), default=now)
    until = max((window.late_by for window in open_windows), default=now)
    tokens = {call.token_id for call in calls}
    evidence = Evidence(tokens, since, until)
    others = windows_of(tokens, policies, since)
    watermarks = Watermarks(evidence.device_ids, now)
    changed = []
    for call in calls:
        policy, window = policies[call.token_id], windows[call.pk]
        watermark = watermarks.of(evidence.devices_of[call.token_id])
        facts = _facts(call, pushes[call.pk], window, evidence, others, policy)
        verdict = judge(facts, policy, _read_until(call, window, watermark, policy))
        deadline = window.handle_by + policy.grace if window else now + policy.grace
        held_by = (
            watermark.held_by(deadline, now) if verdict.verdict == "awaited" else []
        )
        if _note(call, facts, verdict, window, held_by, now):
            changed.append(call)
    Call.objects.bulk_update(changed, CALL_FIELDS)
    return changed


def _read_until(call: Call, window, watermark, policy: Policy) -> datetime | None:
    """How far the feeds were read. A strike was only given past its deadline, and a feed that
    is added, disabled or falls behind later does not take that back.
    """
    if call.verdict == "unhandled" and window and call.handle_by == window.handle_by:
        return window.handle_by + policy.grace
    return watermark.read_until


def _facts(call: Call, pushes, window, evidence: Evidence, others, policy) -> CallFacts:
    if window is None:
        return CallFacts(call_id=call.call_id, pushes=pushes)
    since = window.sent_at - policy.foreground_window
    return CallFacts(
        call_id=call.call_id,
        pushes=pushes,
        signs=evidence.signs(call.token_id, since, window.late_by),
        remotes=evidence.remotes(call.token_id),
        others=[
            (start, end) for pk, start, end in others[call.token_id] if pk != call.pk
        ],
    )


def _note(call: Call, facts, verdict: Verdict, window, held_by, now) -> bool:
    """Bring the row up to the verdict; True when anything of it changed."""
    before = [getattr(call, name) for name in CALL_FIELDS[:-1]]
    accepted = [push for push in facts.pushes if push.accepted_at is not None]
    call.pushes_accepted = len(accepted)
    call.verdict, call.rule = verdict.verdict, verdict.rule
    call.evidence, call.wake_time = verdict.evidence, verdict.wake_time
    call.held_by = held_by
    departures = [push.sent_at for push in facts.pushes if push.sent_at is not None]
    call.sent_at = window.sent_at if window else min(departures, default=None)
    call.accepted_at = max((push.accepted_at for push in accepted), default=None)
    call.handle_by = window.handle_by if window else None
    is_changed = before != [getattr(call, name) for name in CALL_FIELDS[:-1]]
    if is_changed:
        call.judged_at = now
    return is_changed
