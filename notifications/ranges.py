"""A stretch of time as an address holds it: `from=2026-11-29T14:00Z&to=…`. Pure.

A moment without a zone, as a form sends it, is by the clock that `zone=` names: an address that
is sent to somebody in another zone shows the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

#: Moments that can be told in every zone.
FIRST, LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2199, 12, 30, tzinfo=UTC)
LONGEST = 40
ZONES = frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Range:
    """From a moment, up to one, or both. `faults`: a sentence for each that cannot be read."""

    since: datetime | None = None
    until: datetime | None = None
    faults: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    @property
    def address(self) -> dict[str, str]:
        """The same as parts of an address, in UTC."""
        return {"from": _written(self.since), "to": _written(self.until)}

    def of(self, column: str) -> Q:
        """The rows whose moment lies in it: its end belongs to the next one."""
        found = Q()
        if self.since is not None:
            found &= Q(**{f"{column}__gte": self.since})
        if self.until is not None:
            found &= Q(**{f"{column}__lt": self.until})
        return found


NEVER = Range()


def range_of(asked) -> Range:
    """What an address asks for; `NEVER` where it names no moment."""
    zone = _zone(asked.get("zone", ""))
    faults = []
    found: dict[str, datetime | None] = {}
    for name in ("from", "to"):
        text = asked.get(name, "").strip()[:LONGEST]
        found[name] = _moment(text, zone)
        if text and found[name] is None:
            told = gettext("%(text)s is no moment: write it as %(example)s")
            faults.append(told % {"text": text, "example": "2026-11-29T14:02"})
    since, until = found["from"], found["to"]
    if since is not None and until is not None and until <= since:
        faults.append(gettext("The end of the time is not after its beginning."))
    return Range(since, until, tuple(faults))


def _moment(text: str, zone: tzinfo) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if timezone.is_naive(found):
        found = found.replace(tzinfo=zone)
    # A year at the edge of what a datetime holds has no moment in some zone.
    is_told = FIRST.year <= found.year <= LAST.year
    return found.astimezone(UTC) if is_told and FIRST <= found <= LAST else None


def _zone(name: str) -> tzinfo:
    return ZoneInfo(name) if name in ZONES else timezone.get_current_timezone()


def _written(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z" if moment is not None else ""
