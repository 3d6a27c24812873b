"""Pushes that a SIP server sent by itself: push lines → pushes at their final state.

One that the server confirmed is judged like ours; one it never confirmed is `unknown`, which
is not counted. The time of everything is the log's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from notifications import breaker, token_health
from notifications.apns import Outcome, Result, priority_of, topic_of
from notifications.models import App, Attempt, Looked, Push
from notifications.policy import life_of
from notifications.sending import Try
from registrations.models import Device, Feed, PushLine, PushToken

#: Flexisip gives up on a request after 30 s.
PATIENCE = timedelta(seconds=40)
#: No more is waited for in a log that has not been read on for so long.
STALLED = timedelta(minutes=2)
MOST = 5000
#: First key of pg_try_advisory_xact_lock(int4, int4): "one process observes".
NAMESPACE = 0x6F627376
#: Names the pushes: a log that is read again gives the same.
IDS = uuid.UUID("6f627365-7276-4d75-8368-65732d6c6f67")


@dataclass(frozen=True, slots=True)
class Told:
    """One push of a log: the line that sent it and the one that ended it, if any did."""

    sent: PushLine
    ended: PushLine | None

    @property
    def id(self) -> uuid.UUID:
        """The same each time this line of this file is read."""
        return uuid.uuid5(IDS, f"{self.sent.file_id} {self.sent.position}")

    @property
    def state(self) -> str:
        """How it ended, as far as the log tells."""
        if self.ended is None:
            return Push.State.UNKNOWN
        if self.ended.state == "successful":
            return Push.State.ACCEPTED
        is_answer = self.ended.status is not None and self.ended.status != 200
        return Push.State.REJECTED if is_answer else Push.State.UNKNOWN


@transaction.atomic
def observe(now: datetime) -> list[Push]:
    """The pushes the logs told of since the last time; nothing while another process does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [NAMESPACE])
        if not cursor.fetchone()[0]:
            return []
    looked = {row.feed_id: row for row in Looked.objects.all()}
    found = []
    for feed in Feed.objects.filter(enabled=True, push_line_count__gt=0):
        before = looked.get(feed.pk) or Looked(feed=feed)
        # Lines are partitioned by day: they are asked for only where there are new ones.
        if before.push_line_count != feed.push_line_count:
            found += _of_feed(feed, before.push_line, now)
    return found


def _of_feed(feed: Feed, mark: int, now: datetime) -> list[Push]:
    new = PushLine.objects.filter(feed=feed, id__gt=mark)
    lines = list(new.order_by("id")[:MOST])
    told, waiting = paired(lines)
    is_full = len(lines) == MOST
    over = [line for line in waiting if _is_over(line, feed, lines, is_full, now)]
    if is_full and lines[0] in waiting and lines[0] not in over:
        over.append(lines[0])  # its end lies beyond all that is looked at at once
    told += [Told(line, None) for line in over]
    open_ids = [line.id for line in waiting if line not in over]
    is_done = not open_ids and not is_full
    Looked.objects.update_or_create(
        feed=feed,
        defaults={
            "push_line": min(open_ids, default=max([mark, *_ids(lines)]) + 1) - 1,
            "push_line_count": feed.push_line_count if is_done else -1,
        },
    )
    return _stored(told, feed, now)


def _is_over(
    line: PushLine, feed: Feed, lines: list[PushLine], is_full: bool, now: datetime
) -> bool:
    """Its end would have been seen by now, of what is looked at."""
    if is_full:
        return lines[-1].moment >= line.moment + PATIENCE
    if feed.last_read_at is None or feed.last_read_at < now - STALLED:
        return True
    return bool(feed.seen_until) and feed.seen_until >= line.moment + PATIENCE


def _ids(lines: Iterable[PushLine]) -> list[int]:
    return [line.id for line in lines]


def paired(lines: Iterable[PushLine]) -> tuple[list[Told], list[PushLine]]:
    """What was sent and ended; what was sent and has not ended yet. `lines` in order."""
    waiting: dict[str, PushLine] = {}
    told, left = [], []
    for line in lines:
        before = waiting.pop(line.key, None)
        if line.state != "sent":
            if before is not None:
                told.append(Told(before, line))
            continue
        if before is not None:  # the server uses its pointers again
            told.append(Told(before, None))
        waiting[line.key] = line
    left.extend(waiting.values())
    return told, left


def _stored(told: list[Told], feed: Feed, now: datetime) -> list[Push]:
    known = set(
        Push.objects.filter(pk__in=[one.id for one in told]).values_list(
            "pk", flat=True
        )
    )
    ahead = max(feed.skew, timedelta())
    pairs = []
    for one in told:
        push = None if one.id in known else _push(one, ahead)
        if push is not None:
            known.add(one.id)
            pairs.append((push, _attempt(push, one)))
    Push.objects.bulk_create([push for push, _ in pairs])
    Attempt.objects.bulk_create([attempt for _, attempt in pairs])
    tries = [_try(push, attempt) for push, attempt in pairs]
    latest = max((done.ended_at for done in tries), default=now)
    token_health.note(breaker.believed(tries, latest))
    return [push for push, _ in pairs]


def _push(told: Told, ahead: timedelta) -> Push | None:
    """None where neither token nor instance is of a device we know."""
    line, ended = told.sent, told.ended
    token = _token_of(line)
    device = token and _device_of(line, token)
    if device is None:
        return None
    app, _ = App.objects.get_or_create(
        bundle_id=token.bundle_id, defaults={"name": token.bundle_id}
    )
    sent_at = line.moment - ahead
    ended_at = ended.moment - ahead if ended else sent_at
    push_type = _type_of(line)
    is_voip = push_type == Push.Type.VOIP
    return Push(
        id=told.id,
        device=device,
        token=token,
        app=app,
        origin=Push.Origin.OBSERVED,
        push_type=push_type,
        environment=token.environment,
        topic=line.topic or topic_of(token.bundle_id, push_type),
        priority=priority_of(push_type),
        payload={},
        call_id=line.call_id or (f"observed-{told.id}" if is_voip else ""),
        state=told.state,
        reason=_reason(told),
        created_at=sent_at,
        due_at=sent_at,
        expires_at=sent_at + life_of(app, push_type),
        sent_at=sent_at,
        accepted_at=ended_at if told.state == Push.State.ACCEPTED else None,
        ended_at=ended_at,
        attempt_count=1,
    )


def _reason(told: Told) -> str:
    if told.ended is not None and told.state == Push.State.REJECTED:
        return told.ended.reason or f"status {told.ended.status}"
    return ""


def _type_of(line: PushLine) -> str:
    if line.push_type in Push.Type.values:
        return line.push_type
    return Push.Type.ALERT if line.topic and not _is_voip(line) else Push.Type.VOIP


def _is_voip(line: PushLine) -> bool:
    return line.topic.endswith(".voip")


def _token_of(line: PushLine) -> PushToken | None:
    is_voip = _type_of(line) == Push.Type.VOIP
    kind = PushToken.Kind.VOIP if is_voip else PushToken.Kind.REMOTE
    tokens = PushToken.objects.filter(kind=kind)
    if line.token:
        return tokens.filter(token=line.token).order_by("pk").last()
    if not line.instance_id:
        return None
    # Only the payload was logged: it names the instance.
    held = tokens.filter(
        holdings__current=True, holdings__device__instance_id__in=_instances(line)
    )
    return held.order_by("holdings__pk").last()


def _instances(line: PushLine) -> list[str]:
    bare = line.instance_id.strip("<>")
    return [bare, f"<{bare}>"]


def _device_of(line: PushLine, token: PushToken) -> Device | None:
    """Of several accounts that hold the token the one on the instance, else the newest."""
    holders = Device.objects.filter(holdings__token=token).order_by(
        "holdings__current", "holdings__pk"
    )
    if line.instance_id:
        named = holders.filter(instance_id__in=_instances(line)).last()
        if named is not None:
            return named
    return holders.last()


def _try(push: Push, attempt: Attempt) -> Try:
    """What APNs said to the SIP server of a token is as good as what it says to us."""
    result = Result(
        outcome=Outcome(attempt.outcome), status=attempt.status, reason=attempt.reason
    )
    return Try(push, attempt.started_at, attempt.ended_at, result)


def _attempt(push: Push, told: Told) -> Attempt:
    ended = told.ended
    return Attempt(
        push=push,
        number=1,
        started_at=push.sent_at,
        ended_at=push.ended_at,
        outcome=push.state,
        status=ended.status if ended else None,
        reason=push.reason,
        detail="" if ended else "the log shows no answer",
        apns_id=ended.apns_id if ended else "",
        latency_ms=(push.ended_at - push.sent_at).total_seconds() * 1000,
    )
