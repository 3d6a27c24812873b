"""A message that breaks a rule, as the row that is kept of it."""

from __future__ import annotations

from datetime import datetime

from registrations.models import Feed, LogFile, Rejected
from registrations.sip import redacted
from registrations.storable import clean, clean_lines

LONGEST_EXCERPT = 4000


def rejected(
    feed: Feed, file: LogFile, record, rule: str, detail: str, read_at: datetime
) -> Rejected:
    """`record`: a Request or Unreadable, with its bytes."""
    return Rejected(
        feed=feed,
        file=file,
        position=record.position,
        moment=record.at,
        read_at=read_at,
        rule=rule,
        detail=clean(detail),
        excerpt=clean_lines(redacted(record.raw))[:LONGEST_EXCERPT],
    )
