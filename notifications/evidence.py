"""Loads what verdicts are judged by, for many spans of time at once.

Every query is driven by the spans asked for (a device or token, since, until), so that its
cost follows the open calls and never the history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Max

from notifications.facts import LONGEST_DIALOG, Policy, PushFacts, Sign, Span
from notifications.models import Call, Push, Reset
from registrations.models import DeviceEvent, Feed, Holding

#: Facts are looked for this much around a span: the widest window there is, and more.
AROUND = timedelta(minutes=5)
SIGNS = """
    SELECT w.key, s.id, s.kind, s.moment, s.skew_ms, s.call_id, s.code, {told}
    FROM unnest(%(keys)s::int[], %(owners)s::bigint[], %(sinces)s::timestamptz[],
                %(untils)s::timestamptz[]) AS w(key, owner, since, until)
    JOIN registrations_sighting s ON s.{owner} = w.owner
        AND s.moment BETWEEN w.since - %(dialog)s AND w.until
        AND (s.moment >= w.since OR s.kind IN ('answer', 'dialog', 'ended'))
    {joins}
    WHERE s.day BETWEEN %(first)s AND %(last)s
"""
LINE = "f.name, l.path, s.position, s.line"
LINE_OF = """JOIN registrations_feed f ON f.id = s.feed_id
    JOIN registrations_logfile l ON l.id = s.file_id"""
REMOTES = """
    SELECT DISTINCT w.key, p.accepted_at
    FROM unnest(%(keys)s::int[], %(owners)s::bigint[], %(sinces)s::timestamptz[],
                %(untils)s::timestamptz[]) AS w(key, owner, since, until)
    JOIN notifications_push p ON p.device_id = w.owner
        AND p.accepted_at BETWEEN w.since AND w.until
    WHERE p.push_type <> 'voip' AND p.accepted_at IS NOT NULL
"""
PUSHES = """
    SELECT w.key, p.call_id, p.state, p.sent_at, p.accepted_at
    FROM unnest(%(keys)s::int[], %(owners)s::bigint[], %(sinces)s::timestamptz[],
                %(untils)s::timestamptz[]) AS w(key, owner, since, until)
    JOIN notifications_push p ON p.token_id = w.owner
        AND p.sent_at BETWEEN w.since AND w.until
    WHERE p.push_type = 'voip' AND p.state IN ('accepted', 'unknown')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One span of one token's time, and the policy its pushes follow."""

    token: int
    since: datetime
    until: datetime
    policy: Policy


class Evidence:
    """What is known around each look, by its number. `signs` come without order."""

    def __init__(self, looks: Sequence[Look], *, lines: bool) -> None:
        self._looks = looks
        self.devices_of = holders_of({look.token for look in looks})
        self._signs: dict[int, dict[int, Sign]] = defaultdict(dict)
        self._remotes: dict[int, list[datetime]] = defaultdict(list)
        self._spans: dict[int, list[tuple[str, Span]]] = defaultdict(list)
        if looks:
            self._load_signs(lines=lines)
            self._load_remotes()
            self._load_spans()

    def signs(self, key: int) -> list[Sign]:
        """What the phone did in the span, and its dialogs of the hours before."""
        return list(self._signs[key].values())

    def remotes(self, key: int) -> list[datetime]:
        """When APNs took remote pushes to the devices of the token."""
        return self._remotes[key]

    def spans(self, key: int, *, but: str | None = None) -> list[Span]:
        """The spans of the token's VoIP pushes, those of the call `but` left out."""
        return [span for call_id, span in self._spans[key] if call_id != but]

    def _load_signs(self, *, lines: bool) -> None:
        told, joins = (LINE, LINE_OF) if lines else ("'', '', 0, ''", "")
        ahead = farthest_ahead()
        by_device, by_token = self._wanted(AROUND, ahead + AROUND)
        for owner, wanted in (("device_id", by_device), ("token_id", by_token)):
            query = SIGNS.format(owner=owner, told=told, joins=joins)
            for key, pk, *facts in _rows(query, wanted):
                sign = sign_of(*facts)
                if sign.moment <= self._looks[key].until + AROUND:
                    self._signs[key][pk] = sign

    def _load_remotes(self) -> None:
        by_device, _ = self._wanted(AROUND, AROUND)
        for key, accepted_at in _rows(REMOTES, by_device):
            self._remotes[key].append(accepted_at)

    def _load_spans(self) -> None:
        widest = max(look.policy.late_window for look in self._looks)
        _, by_token = self._wanted(AROUND + widest, AROUND)
        for key, call_id, *facts in _rows(PUSHES, by_token):
            span = PushFacts(*facts).span(self._looks[key].policy)
            self._spans[key].append((call_id, span))

    def _wanted(self, before: timedelta, behind: timedelta) -> tuple[list, list]:
        """(key, owner, since, until) by the devices that held the token, and by itself."""
        by_device, by_token = [], []
        for key, look in enumerate(self._looks):
            since, until = look.since - before, look.until + behind
            by_token.append((key, look.token, since, until))
            for device in self.devices_of[look.token]:
                by_device.append((key, device, since, until))
        return by_device, by_token


def _rows(query: str, wanted: list[tuple]) -> Iterable[tuple]:
    if not wanted:
        return []
    keys, owners, sinces, untils = (
        list(column) for column in zip(*wanted, strict=True)
    )
    values = {"keys": keys, "owners": owners, "sinces": sinces, "untils": untils}
    first = (min(sinces) - LONGEST_DIALOG).astimezone(UTC).date()
    last = max(untils).astimezone(UTC).date()
    with connection.cursor() as cursor:
        values |= {"dialog": LONGEST_DIALOG, "first": first, "last": last}
        cursor.execute(query, values)
        return cursor.fetchall()


def farthest_ahead() -> timedelta:
    """How far the clock of any feed is ahead of ours."""
    newest = Feed.objects.aggregate(ahead=Max("skew"))["ahead"]
    return max(newest or timedelta(), timedelta())


def sign_of(kind, moment, skew_ms, call_id, code, feed, file, position, line) -> Sign:
    """A sighting as a fact by our clock, with the copy a verdict keeps."""
    skew = timedelta(milliseconds=skew_ms)
    evidence = {
        "kind": kind,
        "moment": moment.isoformat(),
        "skew_ms": skew_ms,
        "feed": feed,
        "file": file,
        "position": position,
        "line": line,
    }
    return Sign(
        kind=kind,
        moment=moment - max(skew, timedelta()),
        slack=max(-skew, timedelta()),
        call_id=call_id,
        code=code,
        evidence=evidence,
    )


def holders_of(token_ids: Iterable[int]) -> dict[int, set[int]]:
    """token → the devices that hold or held it."""
    devices_of: dict[int, set[int]] = defaultdict(set)
    holdings = Holding.objects.filter(token__in=list(token_ids))
    for token, device in holdings.values_list("token", "device"):
        devices_of[token].add(device)
    return devices_of


def pushes_of(calls: Iterable[Call]) -> dict[int, list[PushFacts]]:
    """call → its pushes as facts."""
    pushes: dict[int, list[PushFacts]] = defaultdict(list)
    rows = Push.objects.filter(sip_call__in=[call.pk for call in calls]).order_by()
    for call, *facts in rows.values_list("sip_call", "state", "sent_at", "accepted_at"):
        pushes[call].append(PushFacts(*facts))
    return pushes


def resets_of(token_ids: Iterable[int]) -> dict[int, list[datetime]]:
    """token → reinstalls of its app and resets by a person: runs start anew there."""
    resets: dict[int, list[datetime]] = defaultdict(list)
    token_ids = list(token_ids)
    reinstalls = DeviceEvent.objects.filter(
        token__in=token_ids, kind=DeviceEvent.Kind.REINSTALLED, moment__isnull=False
    )
    persons = Reset.objects.filter(token__in=token_ids)
    rows = list(reinstalls.values_list("token", "moment"))
    for token, moment in [*rows, *persons.values_list("token", "at")]:
        resets[token].append(moment)
    return resets
