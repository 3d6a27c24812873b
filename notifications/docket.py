"""The calls that are judged, as values: loaded by one statement, stored by another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from notifications import sums
from notifications.facts import Policy, PushFacts
from notifications.judging import Verdict, Window
from notifications.models import Call, VerdictChange
from notifications.storing import array_of, update_rows

LOAD = """
    SELECT call.id, call.token_id, call.call_id, token.bundle_id, call.judged_at,
        call.pushes_accepted, call.sent_at, call.accepted_at, call.handle_by, call.verdict,
        call.rule, call.evidence, call.wake_time, call.held_by, call.waits_for_id,
        call.build_id, push.state, push.sent_at, push.accepted_at
    FROM notifications_call call
    JOIN registrations_pushtoken token ON token.id = call.token_id
    LEFT JOIN notifications_push push ON push.sip_call_id = call.id
    WHERE call.id = ANY(%s::bigint[])
"""
UNMARK = """
    UPDATE notifications_call SET witnessed = false
    WHERE id = ANY(%s) AND witnessed AND verdict <> 'unhandled'
"""


class Concluded(NamedTuple):
    """What a call's row says of it."""

    pushes_accepted: int = 0
    sent_at: datetime | None = None
    accepted_at: datetime | None = None
    handle_by: datetime | None = None
    verdict: str = Call.Verdict.AWAITED.value
    rule: str = ""
    evidence: dict | None = None
    wake_time: timedelta | None = None
    held_by: list[dict] = []
    waits_for: int | None = None

    @property
    def news(self) -> tuple:
        """What of it is news; the age of the feeds that hold it is not."""
        held_by = [(held["feed"], held["why"]) for held in self.held_by]
        return self.verdict, self.rule, self.evidence, self.wake_time, held_by


@dataclass(slots=True)
class Entry:
    """A call on the docket: its pushes, and what its row says."""

    pk: int
    token: int
    call_id: str
    policy: Policy
    judged_at: datetime | None
    before: Concluded
    build: int | None
    pushes: list[PushFacts]


def concluded(
    pushes: Sequence[PushFacts],
    verdict: Verdict,
    window: Window | None,
    held_by: list[dict],
    waits_for: int | None,
) -> Concluded:
    """What the row of a call with these pushes shall say."""
    accepted = [one.accepted_at for one in pushes if one.accepted_at is not None]
    departures = [one.sent_at for one in pushes if one.sent_at is not None]
    return Concluded(
        len(accepted),
        window.sent_at if window else min(departures, default=None),
        max(accepted, default=None),
        window.handle_by if window else None,
        verdict.verdict,
        verdict.rule,
        verdict.evidence,
        verdict.wake_time,
        held_by,
        waits_for,
    )


def load(pks: Iterable[int], policies: dict[str, Policy]) -> list[Entry]:
    """The docket of these calls."""
    entries: dict[int, Entry] = {}
    with connection.cursor() as cursor:
        cursor.execute(LOAD, [array_of(pks)])
        for row in cursor.fetchall():
            pk, token, call_id, bundle_id, judged_at = row[:5]
            entry = entries.get(pk)
            if entry is None:
                told, policy = _concluded(row[5:15]), policies[bundle_id]
                entry = Entry(pk, token, call_id, policy, judged_at, told, row[15], [])
                entries[pk] = entry
            if row[16] is not None:
                entry.pushes.append(PushFacts(*row[16:]))
    return list(entries.values())


def _concluded(row: tuple) -> Concluded:
    """JSON comes as text."""
    *facts, evidence, wake_time, held_by, waits_for = row
    return Concluded(
        *facts,
        json.loads(evidence) if evidence else None,
        wake_time,
        json.loads(held_by) if held_by != "[]" else [],
        waits_for,
    )


def store(changed: Sequence[tuple[Entry, Concluded]], now: datetime) -> None:
    """Bring the rows up to what was concluded; a verdict that was given and is another now
    goes to its history, and `judged_at` moves with it. The sums of calls move too.
    """
    rows, changes, fallen = [], [], []
    for entry, told in changed:
        before, judged_at = entry.before, entry.judged_at
        if before[4:7] != told[4:7]:
            judged_at = now
            if before.verdict not in {Call.Verdict.AWAITED, told.verdict}:
                changes.append(_change(entry, told, now))
            if before.verdict == Call.Verdict.UNHANDLED:
                fallen.append(entry.pk)
        rows.append((entry.pk, *told, judged_at))
    update_rows(Call, ["id", *Concluded._fields, "judged_at"], rows)
    sums.move(
        [(_counted(one, one.before), _counted(one, told)) for one, told in changed]
    )
    if fallen:
        with connection.cursor() as cursor:
            cursor.execute(UNMARK, [fallen])
    if changes:
        VerdictChange.objects.bulk_create(changes)


def _counted(entry: Entry, told: Concluded) -> sums.Counted:
    return sums.Counted(
        told.sent_at,
        entry.build,
        told.verdict,
        told.rule,
        told.wake_time,
        told.pushes_accepted,
    )


def _change(entry: Entry, told: Concluded, now: datetime) -> VerdictChange:
    return VerdictChange(
        call_id=entry.pk,
        at=now,
        verdict=entry.before.verdict,
        rule=entry.before.rule,
        evidence=entry.before.evidence,
        judged_at=entry.judged_at or now,
        became=told.verdict,
        became_rule=told.rule,
    )
