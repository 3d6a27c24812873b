"""How soon a credential's certificate ends: the warnings, as plain decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

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
    left, day = expires_at - now, date_format(expires_at, "d F Y")
    if left <= timedelta(0):
        words = gettext("the certificate expired on %(day)s: nothing is sent")
        return Warning(0, "bad", words % {"day": day})
    stage = next((days for days in STAGES if left <= timedelta(days=days)), None)
    if stage is None:
        return None
    days = left.days + (left.seconds > 0)
    words = ngettext(
        "the certificate expires in %(days)s day, on %(day)s",
        "the certificate expires in %(days)s days, on %(day)s",
        days,
    )
    return Warning(stage, STAGES[stage], words % {"days": days, "day": day})
