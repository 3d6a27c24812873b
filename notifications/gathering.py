"""What is new since the last round: ended pushes, what feeds showed, resets, deadlines.

A round's cost follows this news, never the history.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from notifications.builds import builds_of
from notifications.evidence import AROUND
from notifications.facts import LONGEST_DIALOG, REMOTE_ANSWER
from notifications.models import Call, Ledger, Looked, Push, Reset
from notifications.watermarks import feeds_that_show, read_until
from registrations.models import Feed, Holding, PushToken, Reading

#: So many at once: a backlog is worked off in rounds that stay short.
MOST_PUSHES = 5000
MOST_READINGS = 200
MOST_DUE = 5000
#: A push withdrawn before it was sent has no verdict.
JUDGED = sorted(Push.FINAL - {Push.State.CANCELLED})
#: The pushes of one call lie no further apart.
LONGEST_CALL = timedelta(days=1)
LINK = """
    UPDATE notifications_push AS push SET gathered = true, sip_call_id = call.id
    FROM notifications_call AS call
    WHERE push.id = ANY(%s) AND call.token_id = push.token_id
        AND call.call_id = push.call_id
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


def gather(now: datetime) -> News:
    """Everything that may change a verdict or a ledger, marked as looked at."""
    news = News()
    _ended(news, now)
    _shown(news)
    news.calls.update(_around(news.spans), _due(now))
    return news


def touched_ledgers(news: News, now: datetime) -> set[int]:
    """Tokens whose ledger may move though none of their verdicts did."""
    standing = Ledger.objects.filter(token__in=news.tokens, strikes__gt=0)
    by_clock = Ledger.objects.filter(next_change_at__lte=now)
    new = Reset.objects.filter(counted=False)
    tokens = set(new.values_list("token", flat=True))
    new.update(counted=True)
    for rows in (standing, by_clock):
        tokens.update(rows.values_list("token", flat=True))
    return tokens


# Pushes that ended


def _ended(news: News, now: datetime) -> None:
    loose = Push.objects.filter(gathered=False, state__in=JUDGED).order_by("ended_at")
    pushes = list(
        loose.only(
            "push_type", "token", "device", "call_id", "sent_at", "accepted_at", "state"
        )[:MOST_PUSHES]
    )
    news.has_more |= len(pushes) == MOST_PUSHES
    voip = [push for push in pushes if push.push_type == Push.Type.VOIP]
    news.calls.update(_linked(voip, now))
    for push in voip:
        if push.sent_at is not None:
            taken = push.accepted_at or push.sent_at
            news.spans.append((push.token_id, push.sent_at, taken + AROUND))
    remote = [push for push in pushes if push.push_type != Push.Type.VOIP]
    Push.objects.filter(pk__in=[push.pk for push in remote]).update(gathered=True)
    _answered(news, [push for push in remote if push.accepted_at is not None])


def _linked(pushes: list[Push], now: datetime) -> set[int]:
    """The calls of these pushes, which know of them from now on."""
    if not pushes:
        return set()
    keys = {(push.token_id, push.call_id): push.device_id for push in pushes}
    builds = builds_of(keys.values())
    Call.objects.bulk_create(
        [
            Call(
                token_id=token,
                call_id=text,
                build_id=builds.get(device),
                created_at=now,
            )
            for (token, text), device in sorted(keys.items())
        ],
        ignore_conflicts=True,
    )
    pks = [push.pk for push in pushes]
    with connection.cursor() as cursor:
        cursor.execute(LINK, [pks])
    linked = Push.objects.filter(pk__in=pks).order_by()
    return set(linked.values_list("sip_call", flat=True))


def _answered(news: News, remote: list[Push]) -> None:
    held = _tokens_of({push.device_id for push in remote})
    for push in remote:
        until = push.accepted_at + REMOTE_ANSWER
        for token in held.get(push.device_id, ()):
            news.spans.append((token, push.accepted_at, until))


# What feeds showed


def _shown(news: News) -> None:
    marks = dict(Looked.objects.values_list("feed", "reading"))
    for feed in Feed.objects.values_list("pk", flat=True):
        unseen = Reading.objects.filter(feed=feed, pk__gt=marks.get(feed, 0))
        readings = list(unseen.order_by("pk")[:MOST_READINGS])
        if readings:
            _note(news, readings)
            news.has_more |= len(readings) == MOST_READINGS
            newest = {"reading": readings[-1].pk}
            Looked.objects.update_or_create(feed_id=feed, defaults=newest)


def _note(news: News, readings: list[Reading]) -> None:
    held = _tokens_of({device for row in readings for device in row.devices})
    for row in readings:
        tokens = {token for device in row.devices for token in held.get(device, ())}
        for token in tokens.union(row.tokens):
            news.spans.append((token, row.since, row.until))


def _tokens_of(device_ids: Iterable[int]) -> dict[int, set[int]]:
    """device → the voip tokens it holds or held."""
    held: dict[int, set[int]] = {}
    rows = Holding.objects.filter(
        device__in=list(device_ids), token__kind=PushToken.Kind.VOIP
    )
    for device, token in rows.values_list("device", "token"):
        held.setdefault(device, set()).add(token)
    return held


# Calls


def _around(spans: list[tuple[int, datetime, datetime]]) -> set[int]:
    """The calls that what is new in these spans may concern."""
    if not spans:
        return set()
    before, behind = AROUND + LONGEST_CALL, AROUND + LONGEST_DIALOG
    values = [list(column) for column in zip(*spans, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(CALLS_AROUND, [*values, before, behind, AROUND])
        return {row[0] for row in cursor.fetchall()}


def _due(now: datetime) -> set[int]:
    """Open calls whose feed was read past their deadline, and those newly overdue."""
    feeds = feeds_that_show()
    overdue = Q(waits_for=None, held_by=[], handle_by__lte=now)
    is_freed = Q(waits_for__isnull=False) & ~Q(waits_for__in=feeds)
    if feeds:
        is_freed |= Q(waits_for=None, handle_by__lte=now) & ~Q(held_by=[])
    for feed in feeds:
        if (until := read_until(feed)) is not None:
            is_freed |= Q(waits_for=feed, handle_by__lte=until)
    due = Call.objects.filter(overdue | is_freed, verdict=Call.Verdict.AWAITED)
    return set(due.order_by("handle_by").values_list("pk", flat=True)[:MOST_DUE])
