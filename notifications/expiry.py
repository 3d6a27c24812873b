"""How soon a credential's certificate ends: what to say of it, and who has to be told."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from notifications.models import Credential

logger = logging.getLogger(__name__)

#: Days before the end at which it is said anew, and how loudly.
STAGES = {1: "bad", 7: "bad", 14: "warn", 30: "warn", 60: "info"}
FIRST = timedelta(days=max(STAGES))
#: From here on Live says so too.
NEAR = timedelta(days=14)


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


def ending(now: datetime) -> list[tuple[Credential, Warning]]:
    """Credentials whose certificate ends soon or has ended, the first first."""
    rows = Credential.objects.filter(expires_at__lte=now + FIRST)
    rows = rows.select_related("app").defer("sealed_key", "ca_pem")
    found = (
        (row, warning_of(row.expires_at, now)) for row in rows.order_by("expires_at")
    )
    return [(row, warning) for row, warning in found if warning is not None]


def warn(now: datetime) -> None:
    """Log each certificate once a stage, whoever else looks at the same time."""
    for row, warning in ending(now):
        if _is_news(row, warning.days):
            words = "certificate ends soon" if warning.days else "certificate has ended"
            facts = {
                "app": row.app.bundle_id,
                "environment": row.environment,
                "expires_at": row.expires_at.isoformat(),
                "days": warning.days,
            }
            logger.warning(words, extra=facts)


def _is_news(row: Credential, days: int) -> bool:
    untold = Q(warned_days=None) | Q(warned_days__gt=days)
    same = Credential.objects.filter(untold, pk=row.pk, expires_at=row.expires_at)
    return same.update(warned_days=days) == 1
