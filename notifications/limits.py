"""How fast pushes may leave: pure decisions. A bucket a credential and an app, in pushes a
second; a window a device token, in pushes a minute. 0 is no limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Level:
    """What is left in a bucket: so many pushes, as of a moment. Below 0 after calls, which
    never wait for it.
    """

    left: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """Pushes to one token within WINDOW, and when the first of them left."""

    count: int
    first_at: datetime | None


def refilled(level: Level, a_second: int, now: datetime) -> Level:
    """The bucket now: it gains `a_second` each second, and holds one second's worth."""
    gained = max(0.0, (now - level.at).total_seconds()) * a_second
    return Level(min(float(a_second), level.left + gained), now)


def room(level: Level) -> int:
    """How many pushes may leave at once."""
    return max(0, int(level.left))


def free_at(sent: Sent, a_minute: int, now: datetime) -> datetime | None:
    """When the next push to this token may leave; None for at once."""
    if a_minute == 0 or sent.count < a_minute:
        return None
    return (sent.first_at or now) + WINDOW
