"""Loads what verdicts are judged by, for many spans of time at once.

Every query is driven by the spans asked for (a device or token, since, until), so that its
cost follows the open calls and never the history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection

from notifications.facts import LONGEST_DIALOG, Policy, PushFacts, Sign, Span, Told
from notifications.storing import array_of
from registrations.models import Holding

#: Facts are looked for this much around a span: the widest window there is, and more.
AROUND = timedelta(minutes=5)
NO_TIME = timedelta()
#: The push type that launches an app without its user.
BACKGROUND = "background"
WANTED = """
    WITH wanted AS (
        SELECT * FROM unnest(%(tokens)s::bigint[], %(sinces)s::timestamptz[],
            %(untils)s::timestamptz[]) WITH ORDINALITY AS w(token, since, until, number)
    )"""
#: By the devices that held the token, and by the token itself: a phone whose REGISTER was
#: never read holds nothing. A feed's time stamps may run ahead of ours.
SIGNS = """
    {wanted}, ahead AS (
        SELECT greatest(max(skew), interval '0') AS most FROM registrations_feed
    )
    SELECT w.number, s.id, s.moment, s.kind, s.call_id, coalesce(s.code, 0), s.skew_ms,
        {told}
    FROM wanted w CROSS JOIN ahead JOIN registrations_holding h ON h.token_id = w.token
    JOIN registrations_sighting s ON s.device_id = h.device_id AND {around}
    {joins}
    WHERE s.day BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT w.number, s.id, s.moment, s.kind, s.call_id, coalesce(s.code, 0), s.skew_ms,
        {told}
    FROM wanted w CROSS JOIN ahead
    JOIN registrations_sighting s ON s.token_id = w.token AND {around}
    {joins}
    WHERE s.day BETWEEN %(first)s AND %(last)s AND NOT EXISTS (
        SELECT FROM registrations_holding h
        WHERE h.token_id = w.token AND h.device_id = s.device_id
    )
"""
ROUND = """
    s.moment BETWEEN w.since - %(around)s - %(dialog)s AND w.until + %(around)s + ahead.most
    AND (s.moment >= w.since - %(around)s OR s.kind IN ('answer', 'dialog', 'ended'))"""
LINE = "f.name, l.path, s.position, s.line"
LINE_OF = """JOIN registrations_feed f ON f.id = s.feed_id
    JOIN registrations_logfile l ON l.id = s.file_id"""
#: VoIP pushes to the token, and remote ones to the devices that held it: their type in
#: place of a state.
PUSHES = """
    {wanted}
    SELECT w.number, p.call_id, p.state, p.sent_at, p.accepted_at FROM wanted w
    JOIN notifications_push p ON p.token_id = w.token
        AND p.sent_at BETWEEN w.since - %(around)s - %(widest)s AND w.until + %(around)s
    WHERE p.push_type = 'voip' AND p.state IN ('accepted', 'unknown')
    UNION ALL
    SELECT DISTINCT w.number, NULL, p.push_type, NULL::timestamptz, p.accepted_at
    FROM wanted w
    JOIN registrations_holding h ON h.token_id = w.token
    JOIN notifications_push p ON p.device_id = h.device_id
        AND p.accepted_at BETWEEN w.since - %(around)s AND w.until + %(around)s
    WHERE p.push_type <> 'voip' AND p.accepted_at IS NOT NULL
"""
PUSHES_OF = """
    SELECT sip_call_id, state, sent_at, accepted_at FROM notifications_push
    WHERE sip_call_id = ANY(%s)
"""
RESETS = """
    SELECT token_id, moment FROM registrations_deviceevent
    WHERE token_id = ANY(%(tokens)s) AND kind = 'reinstalled' AND moment IS NOT NULL
    UNION ALL
    SELECT token_id, at FROM notifications_reset WHERE token_id = ANY(%(tokens)s)
"""


class Look(NamedTuple):
    """One span of one token's time, and the policy its pushes follow."""

    token: int
    since: datetime
    until: datetime
    policy: Policy


class Evidence:
    """What is known around each look, by its place. `signs` come without order."""

    def __init__(self, looks: Sequence[Look], *, lines: bool) -> None:
        self._looks = looks
        self._signs: list[dict[int, Sign]] = [{} for _ in looks]
        self._remotes: list[list[datetime]] = [[] for _ in looks]
        self._wakes: list[list[datetime]] = [[] for _ in looks]
        self._spans: list[list[tuple[str, Span]]] = [[] for _ in looks]
        if looks:
            self._load_signs(lines=lines)
            self._load_pushes()

    def signs(self, key: int) -> Collection[Sign]:
        """What the phone did in the span, and its dialogs of the hours before."""
        return self._signs[key].values()

    def remotes(self, key: int) -> list[datetime]:
        """When APNs took remote pushes to the devices of the token."""
        return self._remotes[key]

    def wakes(self, key: int) -> list[datetime]:
        """Those of them that launch an app by themselves."""
        return self._wakes[key]

    def spans(self, key: int, *, but: str | None = None) -> list[Span]:
        """The spans of the token's VoIP pushes, those of the call `but` left out."""
        return [span for call_id, span in self._spans[key] if call_id != but]

    def _load_signs(self, *, lines: bool) -> None:
        told, joins = (LINE, LINE_OF) if lines else ("'', '', 0, ''", "")
        query = SIGNS.format(wanted=WANTED, around=ROUND, told=told, joins=joins)
        for number, pk, *facts in self._rows(query):
            sign = sign_of(*facts)
            if sign.moment <= self._looks[number - 1].until + AROUND:
                self._signs[number - 1][pk] = sign

    def _load_pushes(self) -> None:
        for number, call_id, *facts in self._rows(PUSHES.format(wanted=WANTED)):
            key = number - 1
            if call_id is None:
                self._remotes[key].append(facts[-1])
                if facts[0] == BACKGROUND:
                    self._wakes[key].append(facts[-1])
            else:
                span = PushFacts(*facts).span(self._looks[key].policy)
                self._spans[key].append((call_id, span))

    def _rows(self, query: str) -> list[tuple]:
        sinces = [look.since for look in self._looks]
        untils = [look.until for look in self._looks]
        values = {
            "tokens": array_of(look.token for look in self._looks),
            "sinces": array_of(sinces),
            "untils": array_of(untils),
            "around": AROUND,
            "dialog": LONGEST_DIALOG,
            "widest": max(look.policy.late_window for look in self._looks),
            "first": (min(sinces) - AROUND - LONGEST_DIALOG).astimezone(UTC).date(),
            # A day more: a clock may be ahead, and the moment is by that clock.
            "last": (max(untils) + timedelta(days=1)).astimezone(UTC).date(),
        }
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()


def sign_of(
    moment: datetime, kind: str, call_id: str, code: int, skew_ms: int, *place
) -> Sign:
    """A sighting as a fact by our clock, with what a verdict keeps of it."""
    told = Told(moment, skew_ms, *place)
    if not skew_ms:
        return Sign(moment, kind, call_id, code, NO_TIME, told)
    skew = timedelta(milliseconds=skew_ms)
    return Sign(
        moment - max(skew, NO_TIME), kind, call_id, code, max(-skew, NO_TIME), told
    )


def holders_of(token_ids: Iterable[int]) -> dict[int, set[int]]:
    """token → the devices that hold or held it."""
    devices_of: dict[int, set[int]] = defaultdict(set)
    holdings = Holding.objects.filter(token__in=list(token_ids))
    for token, device in holdings.values_list("token", "device"):
        devices_of[token].add(device)
    return devices_of


def pushes_of(call_ids: Iterable[int]) -> dict[int, list[PushFacts]]:
    """call → its pushes as facts."""
    pushes: dict[int, list[PushFacts]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(PUSHES_OF, [list(call_ids)])
        for call, *facts in cursor.fetchall():
            pushes[call].append(PushFacts(*facts))
    return pushes


def resets_of(token_ids: Iterable[int]) -> dict[int, list[datetime]]:
    """token → reinstalls of its app and resets by a person: runs start anew there."""
    resets: dict[int, list[datetime]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(RESETS, {"tokens": list(token_ids)})
        for token, moment in cursor.fetchall():
            resets[token].append(moment)
    return resets
