"""How soon a credential's certificate ends: the warnings, as plain decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Days before the end at which it is said anew, and how loudly.
STAGES = {1: "bad", 7: "bad", 14: "warn", 30: "warn", 60: "info"}
FIRST = timedelta(days=max(STAGES))


@dataclass(frozen=True, slots=True)
class Warning:
    """`days`: the stage that was reached, 0 when it is over."""

    days: int
    tone: str
    words: str


def warning_of(expires_at: datetime | None, now: datetime) -> Warning | None:
    """What to say of a certificate now; None while nothing needs to be done."""
    if expires_at is None:
        return None
    left = expires_at - now
    if left <= timedelta(0):
        return Warning(0, "bad", f"expired on {expires_at:%d %B %Y}: nothing is sent")
    stage = next((days for days in STAGES if left <= timedelta(days=days)), None)
    if stage is None:
        return None
    days = left.days + (left.seconds > 0)
    words = f"expires in {days} day{'' if days == 1 else 's'}, on {expires_at:%d %B %Y}"
    return Warning(stage, STAGES[stage], words)
