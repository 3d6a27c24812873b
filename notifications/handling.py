"""Settles calls by pulling evidence, and keeps the ledgers. The one writer of both.

Driven by what is new, never by the history; safe to run twice, or from two places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from notifications.docket import Concluded, Entry, concluded, load, store
from notifications.evidence import Evidence, Look, holders_of
from notifications.facts import CallFacts, Policy
from notifications.gathering import gather, touched_ledgers
from notifications.judging import (
    BLIND,
    Verdict,
    Window,
    judge_within,
    silence_stands,
    window_of,
)
from notifications.ledgers import refresh_ledgers
from notifications.models import Call, Ledger
from notifications.policy import policies
from notifications.sums import recount
from notifications.watermarks import Watermarks, feeds_that_show
from registrations.models import Feed

NAMESPACE = 0x7365746C
#: Calls judged at once: PostgreSQL reads the same tables for each batch.
BATCH = 4000


@dataclass(frozen=True, slots=True)
class Settled:
    """The calls whose verdict changed, the tokens whose ledger did; of a rebuild, how many
    sums of calls were wrong.
    """

    judged: list[int]
    ledgers: list[int]
    sums: int = 0


@transaction.atomic
def settle(now: datetime) -> Settled:
    """One round. When another process settles just now, it does nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [NAMESPACE])
        if not cursor.fetchone()[0]:
            return Settled([], [])
    house = House.of(now)
    news = gather(now, house.feeds, house.policies)
    judged, tokens = judge_calls(news.calls, house)
    tokens |= touched_ledgers(news, now)
    return Settled(judged, refresh_ledgers(tokens, house.policies, now))


@transaction.atomic
def rebuild(now: datetime) -> Settled:
    """Every verdict and ledger anew from the rows. Returns what came out different."""
    _look_at_all(now)
    return _anew(now, map)


def rebuild_by(mapped: Callable[..., Iterable], now: datetime) -> Settled:
    """The same, in shares that other processes work off: `mapped` is a pool's `imap`. Each
    share is committed by itself; nobody settles meanwhile.
    """
    with transaction.atomic():
        _look_at_all(now)
    with transaction.atomic():
        _lock()
        return _anew(now, mapped)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [NAMESPACE])


def _look_at_all(now: datetime) -> None:
    """Everything new is known to its call and counts as looked at."""
    _lock()
    house = House.of(now)
    while (news := gather(now, house.feeds, house.policies)).has_more:
        touched_ledgers(news, now)


def _anew(now: datetime, mapped: Callable[..., Iterable]) -> Settled:
    calls = Call.objects.order_by("sent_at", "pk").values_list("pk", flat=True)
    judged = mapped(partial(_judge_share, now), _shares(list(calls)))
    judged = [pk for pks in judged for pk in pks]
    tokens = Call.objects.order_by().values_list("token", flat=True)
    ledgers = Ledger.objects.values_list("token", flat=True)
    both = sorted({*tokens.distinct(), *ledgers})
    moved = mapped(partial(_refresh_share, now), _shares(both))
    ledgers = [token for tokens in moved for token in tokens]
    return Settled(judged, ledgers, recount())


def _shares(pks: list[int]) -> list[list[int]]:
    return [pks[start : start + BATCH] for start in range(0, len(pks), BATCH)]


@transaction.atomic
def _judge_share(now: datetime, pks: list[int]) -> list[int]:
    return judge_calls(pks, House.of(now))[0]


@transaction.atomic
def _refresh_share(now: datetime, tokens: list[int]) -> list[int]:
    return refresh_ledgers(tokens, policies(), now)


@dataclass(frozen=True, slots=True)
class House:
    """What a round judges by: its moment, the policy of each app, the feeds that show."""

    now: datetime
    policies: dict[str, Policy]
    feeds: list[Feed]

    @classmethod
    def of(cls, now: datetime) -> House:
        """As it stands."""
        return cls(now, policies(), feeds_that_show())


def judge_calls(pks: Iterable[int], house: House) -> tuple[list[int], set[int]]:
    """Judge these calls. Returns those that changed, and their tokens."""
    changed, tokens = [], set()
    for share in _shares(list(pks)):
        moved = _judge_batch(load(share, house.policies), house)
        tokens.update(entry.token for entry, _ in moved)
        changed += [e.pk for e, told in moved if e.before.news != told.news]
    return changed, tokens


@dataclass(slots=True)
class Case:
    """A call on the table: its facts, and its verdict so far."""

    entry: Entry
    facts: CallFacts
    window: Window | None
    verdict: Verdict

    @property
    def deadline(self) -> datetime | None:
        """What the feeds must have been read past."""
        return self.window and self.window.handle_by + self.entry.policy.grace

    @property
    def span(self) -> tuple[datetime, datetime]:
        """In which a sign would have excused or proved."""
        since = self.window.sent_at - self.entry.policy.foreground_window
        return since, self.window.handle_by

    def is_overdue(self, now: datetime) -> bool:
        """Nothing was found, and the deadline is past: the feeds decide."""
        is_open = self.verdict.verdict == Call.Verdict.AWAITED
        return is_open and self.window is not None and self.deadline <= now


def _judge_batch(entries: list[Entry], house: House) -> list[tuple[Entry, Concluded]]:
    """What changed, stored."""
    cases = _cases(entries)
    overdue = [case for case in cases if case.is_overdue(house.now)]
    waits = _ask_the_feeds(overdue, house) if overdue else {}
    moved = []
    for case in cases:
        held_by, waits_for = waits.get(case.entry.pk, ([], None))
        pushes, verdict = case.entry.pushes, case.verdict
        told = concluded(pushes, verdict, case.window, held_by, waits_for)
        if told != case.entry.before:
            moved.append((case.entry, told))
    store(moved, house.now)
    return moved


def _cases(entries: list[Entry]) -> list[Case]:
    windows = [window_of(entry.pushes, entry.policy) for entry in entries]
    looks: list[Look] = []
    keys: list[int | None] = []
    for entry, window in zip(entries, windows, strict=True):
        keys.append(None if window is None else len(looks))
        if window is not None:
            since = window.sent_at - entry.policy.foreground_window
            looks.append(Look(entry.token, since, window.late_by, entry.policy))
    evidence = Evidence(looks, lines=True)
    return [
        _case(entry, window, evidence, key)
        for entry, window, key in zip(entries, windows, keys, strict=True)
    ]


def _case(
    entry: Entry, window: Window | None, evidence: Evidence, key: int | None
) -> Case:
    given = entry.before.verdict, entry.before.rule
    stands = silence_stands(given, entry.before.handle_by, window)
    facts = CallFacts(call_id=entry.call_id, pushes=entry.pushes)
    if key is not None:
        facts = CallFacts(
            call_id=entry.call_id,
            pushes=entry.pushes,
            signs=evidence.signs(key),
            remotes=evidence.remotes(key),
            others=evidence.spans(key, but=entry.call_id),
            is_blind=stands and given == BLIND[:2],
        )
    read_until = window.handle_by + entry.policy.grace if stands else None
    verdict = judge_within(window, facts, entry.policy, read_until)
    return Case(entry, facts, window, verdict)


def _ask_the_feeds(
    overdue: list[Case], house: House
) -> dict[int, tuple[list[dict], int | None]]:
    """Judge these by how far the feeds were read. Returns what holds those still open."""
    # With one feed it is that one's word, whoever held the token.
    is_asked = len(house.feeds) > 1
    tokens = {case.entry.token for case in overdue}
    holders = holders_of(tokens) if is_asked else defaultdict(set)
    devices = {device for held in holders.values() for device in held}
    spans = [case.span for case in overdue]
    whole = min(since for since, _ in spans), max(until for _, until in spans)
    marks = Watermarks(devices, house.now, house.feeds, gaps_in=whole)
    waits = {}
    for case in overdue:
        mark = marks.of(holders[case.entry.token])
        facts = case.facts._replace(is_blind=mark.is_blind_in(*case.span))
        case.verdict = judge_within(
            case.window, facts, case.entry.policy, mark.read_until
        )
        if case.verdict.verdict == Call.Verdict.AWAITED:
            slowest = mark.slowest and mark.slowest.pk
            waits[case.entry.pk] = mark.held_by(case.deadline, house.now), slowest
    return waits
