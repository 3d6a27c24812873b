"""What is new since the last round: ended pushes, what feeds showed, resets, deadlines.

A round's cost follows this news, never the history.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from notifications.builds import builds_of
from notifications.docket import concluded
from notifications.evidence import AROUND
from notifications.facts import LONGEST_DIALOG, REMOTE_ANSWER, Policy, PushFacts
from notifications.judging import AWAITED, window_of
from notifications.models import Call, Push
from notifications.storing import array_of
from notifications.watermarks import read_until
from registrations.models import Feed

#: So many at once: a backlog is worked off in rounds that stay short.
MOST_PUSHES = 5000
MOST_READINGS = 200
MOST_DUE = 5000
#: A push withdrawn before it was sent has no verdict.
JUDGED = sorted(Push.FINAL - {Push.State.CANCELLED})
#: The pushes of one call lie no further apart.
LONGEST_CALL = timedelta(days=1)
LOOSE = """
    SELECT push.id, push.push_type, push.token_id, push.device_id, push.call_id,
        token.bundle_id, push.state, push.sent_at, push.accepted_at
    FROM notifications_push push
    JOIN registrations_pushtoken token ON token.id = push.token_id
    WHERE NOT push.gathered AND push.state = ANY(%s) ORDER BY push.ended_at LIMIT %s
"""
CALLS = """
    INSERT INTO notifications_call (token_id, call_id, build_id, pushes_accepted, sent_at,
        accepted_at, handle_by, created_at, verdict, rule, witnessed, held_by)
    SELECT new.*, %s::timestamptz, 'awaited', '', false, '[]'
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::int[], %s::timestamptz[],
        %s::timestamptz[], %s::timestamptz[]) AS new
    ON CONFLICT (token_id, call_id) DO NOTHING
"""
LINK = """
    UPDATE notifications_push AS push SET gathered = true, sip_call_id = call.id
    FROM notifications_call AS call
    WHERE push.id = ANY(%s) AND call.token_id = push.token_id
        AND call.call_id = push.call_id
    RETURNING call.id
"""
#: What no round has looked at: each reading, with the voip tokens it showed (or none).
READINGS = """
    SELECT feed.id, reading.id, shown.token, reading.since, reading.until
    FROM registrations_feed feed
    LEFT JOIN notifications_looked looked ON looked.feed_id = feed.id
    CROSS JOIN LATERAL (
        SELECT * FROM registrations_reading
        WHERE feed_id = feed.id AND id > COALESCE(looked.reading, 0)
        ORDER BY id LIMIT %s
    ) AS reading
    LEFT JOIN LATERAL (
        SELECT held.token_id FROM jsonb_array_elements_text(reading.devices) device
        JOIN registrations_holding held ON held.device_id = device::bigint
        JOIN registrations_pushtoken token ON token.id = held.token_id
        WHERE token.kind = 'voip'
        UNION
        SELECT token::bigint FROM jsonb_array_elements_text(reading.tokens) token
    ) AS shown (token) ON true
    ORDER BY reading.id
"""
LOOKED = """
    INSERT INTO notifications_looked (feed_id, reading)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[])
    ON CONFLICT (feed_id) DO UPDATE SET reading = EXCLUDED.reading
"""
HELD = """
    SELECT holding.device_id, holding.token_id FROM registrations_holding holding
    JOIN registrations_pushtoken token ON token.id = holding.token_id
    WHERE holding.device_id = ANY(%s) AND token.kind = 'voip'
"""
TOUCHED = """
    SELECT token_id FROM notifications_ledger WHERE token_id = ANY(%s) AND strikes > 0
    UNION
    SELECT token_id FROM notifications_ledger WHERE next_change_at <= %s
"""
COUNT_RESETS = """
    UPDATE notifications_reset SET counted = true WHERE NOT counted RETURNING token_id
"""
CALLS_AROUND = """
    SELECT DISTINCT call.id
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[])
        AS news(token, since, until)
    JOIN notifications_call call ON call.token_id = news.token
        AND call.sent_at BETWEEN news.since - %s AND news.until + %s
    WHERE call.accepted_at >= news.since - %s
"""


@dataclass(slots=True)
class News:
    """Spans of time in which something new is known of a token; and calls that are due.

    `has_more`: some of it was left for the next round.
    """

    spans: list[tuple[int, datetime, datetime]] = field(default_factory=list)
    calls: set[int] = field(default_factory=set)
    has_more: bool = False

    @property
    def tokens(self) -> set[int]:
        """The tokens something new is known of."""
        return {token for token, _, _ in self.spans}


def gather(now: datetime, feeds: Sequence[Feed], policies: dict[str, Policy]) -> News:
    """Everything that may change a verdict or a ledger, marked as looked at. `feeds`: those
    that could show a proof.
    """
    news = News()
    _ended(news, policies, now)
    _shown(news)
    news.calls.update(_around(news.spans), _due(feeds, now))
    return news


def touched_ledgers(news: News, now: datetime) -> set[int]:
    """Tokens whose ledger may move though none of their verdicts did."""
    touched = _rows(TOUCHED, list(news.tokens), now) + _rows(COUNT_RESETS)
    return {token for (token,) in touched}


def _rows(query: str, *values: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall() if cursor.description else []


# Pushes that ended


class Ended(NamedTuple):
    """What is asked of a push that ended."""

    pk: UUID
    push_type: str
    token: int
    device: int
    call_id: str
    bundle_id: str
    state: str
    sent_at: datetime | None
    accepted_at: datetime | None


def _ended(news: News, policies: dict[str, Policy], now: datetime) -> None:
    pushes = [Ended(*row) for row in _rows(LOOSE, JUDGED, MOST_PUSHES)]
    news.has_more |= len(pushes) == MOST_PUSHES
    voip = [push for push in pushes if push.push_type == Push.Type.VOIP]
    news.calls.update(_linked(voip, policies, now))
    for push in voip:
        if push.sent_at is not None:
            taken = push.accepted_at or push.sent_at
            news.spans.append((push.token, push.sent_at, taken + AROUND))
    remote = [push for push in pushes if push.push_type != Push.Type.VOIP]
    if remote:
        Push.objects.filter(pk__in=[push.pk for push in remote]).update(gathered=True)
        _answered(news, [push for push in remote if push.accepted_at is not None])


def _linked(
    pushes: list[Ended], policies: dict[str, Policy], now: datetime
) -> set[int]:
    """The calls of these pushes, which know of them from now on."""
    if not pushes:
        return set()
    calls: dict[tuple[int, str], list[Ended]] = defaultdict(list)
    for push in pushes:
        calls[push.token, push.call_id].append(push)
    builds = builds_of(push.device for push in pushes)
    new = [
        (*key, builds.get(made[-1].device), *_begun(made, policies))
        for key, made in sorted(calls.items())
    ]
    _rows(CALLS, now, *(list(column) for column in zip(*new, strict=True)))
    return {call for (call,) in _rows(LINK, [push.pk for push in pushes])}


def _begun(made: list[Ended], policies: dict[str, Policy]) -> tuple:
    """What the row of a new call says before it is judged: it is not written twice."""
    facts = [PushFacts(push.state, push.sent_at, push.accepted_at) for push in made]
    window = window_of(facts, policies[made[0].bundle_id])
    return concluded(facts, AWAITED, window, [], None)[:4]


def _answered(news: News, remote: list[Ended]) -> None:
    held = _tokens_of({push.device for push in remote})
    for push in remote:
        until = push.accepted_at + REMOTE_ANSWER
        for token in held.get(push.device, ()):
            news.spans.append((token, push.accepted_at, until))


# What feeds showed


def _shown(news: News) -> None:
    rows = _rows(READINGS, MOST_READINGS)
    if not rows:
        return
    newest, counts = {}, Counter(feed for feed, _ in {row[:2] for row in rows})
    for feed, reading, token, since, until in rows:
        newest[feed] = reading
        if token is not None:
            news.spans.append((token, since, until))
    news.has_more |= MOST_READINGS in counts.values()
    _rows(LOOKED, list(newest), list(newest.values()))


def _tokens_of(device_ids: Iterable[int]) -> dict[int, set[int]]:
    """device → the voip tokens it holds or held."""
    held: dict[int, set[int]] = {}
    for device, token in _rows(HELD, list(device_ids)):
        held.setdefault(device, set()).add(token)
    return held


# Calls


def _around(spans: list[tuple[int, datetime, datetime]]) -> set[int]:
    """The calls that what is new in these spans may concern."""
    if not spans:
        return set()
    before, behind = AROUND + LONGEST_CALL, AROUND + LONGEST_DIALOG
    tokens, sinces, untils = (list(column) for column in zip(*spans, strict=True))
    columns = tokens, array_of(sinces), array_of(untils)
    return {call for (call,) in _rows(CALLS_AROUND, *columns, before, behind, AROUND)}


def _due(feeds: Sequence[Feed], now: datetime) -> set[int]:
    """Open calls whose feed was read past their deadline, and those newly overdue."""
    overdue = Q(waits_for=None, held_by=[], handle_by__lte=now)
    is_freed = Q(waits_for__isnull=False) & ~Q(waits_for__in=feeds)
    if feeds:
        is_freed |= Q(waits_for=None, handle_by__lte=now) & ~Q(held_by=[])
    for feed in feeds:
        if (until := read_until(feed)) is not None:
            is_freed |= Q(waits_for=feed, handle_by__lte=until)
    due = Call.objects.filter(overdue | is_freed, verdict=Call.Verdict.AWAITED)
    return set(due.order_by("handle_by").values_list("pk", flat=True)[:MOST_DUE])
