"""Pushes a SIP server sent by itself → push lines, in the batch they were read with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from registrations import partitions
from registrations.bulk import copy_into
from registrations.formats.record import PushEnded, PushSent
from registrations.models import Feed, PushLine
from registrations.storable import clean, short

COLUMNS = {
    "day": "date",
    "moment": "timestamptz",
    "estimated": "boolean",
    "feed_id": "bigint",
    "file_id": "bigint",
    "position": "bigint",
    "call_id": "text",
    "line": "text",
    "token": "text",
    "push_type": "text",
    "state": "text",
    "key": "text",
    "topic": "text",
    "instance_id": "text",
    "status": "int2",
    "reason": "text",
    "apns_id": "text",
}


class Logged(NamedTuple):
    """What the log tells of a push, and the file it was read in."""

    what: PushSent | PushEnded
    file_id: int


class PushLines:
    """The push lines of one batch of a feed read at `read_at`."""

    def __init__(self, feed: Feed, read_at: datetime, logged: Sequence[Logged]) -> None:
        self._feed, self._read_at = feed, read_at
        # A push that nobody can date proves nothing.
        self._logged = [one for one in logged if one.what.at is not None]

    def prepare(self) -> None:
        """Make the partitions of their days, before any row is locked."""
        days = (partitions.day_of(one.what.at, self._read_at) for one in self._logged)
        partitions.ensure(days)

    def write(self) -> int:
        """Append them; how many. A log that is read again tells them again."""
        if self._logged:
            rows = (self._row(*one) for one in self._logged)
            copy_into(PushLine._meta.db_table, COLUMNS, rows)
        return len(self._logged)

    def _row(self, what: PushSent | PushEnded, file_id: int) -> tuple:
        day = partitions.day_of(what.at, self._read_at)
        place = (day, what.at, False, self._feed.pk, file_id, what.position)
        if isinstance(what, PushSent):
            line = f"sent {what.push_type or 'push'} to {what.topic}".strip()
            texts = (what.call_id, line, what.token, what.push_type, "sent", what.key)
            rest = (what.topic, what.instance_id, None, "", "")
        else:
            state = "successful" if what.is_taken else "failed"
            line = f"{state} {what.status or ''} {what.reason}".strip()
            texts = ("", line, "", "", state, what.key)
            rest = ("", "", what.status, what.reason, what.apns_id)
        values = (*place, *texts, *rest)
        return tuple(short(clean(v)) if isinstance(v, str) else v for v in values)
