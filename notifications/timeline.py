"""The timeline of one device: what happened to it, the newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from notifications import moments
from notifications.device_history import ROWS, History
from notifications.keyset import moment_of
from notifications.moments import Moment
from notifications.ranges import FIRST, LAST

KINDS = {
    "": _("All events"),
    "pushes": _("Pushes only"),
    "registrations": _("Registrations only"),
}


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of it, newest first; `older` is the moment the next page starts before."""

    rows: list[Moment]
    older: str
    kind: str
    kinds: tuple[tuple[str, str], ...] = tuple(KINDS.items())


def timeline(history: History, asked) -> Timeline:
    """What happened to a device before the moment asked for."""
    kind = asked.get("events", "")
    kind = kind if kind in KINDS else ""
    before = before_of(asked)
    rows: list[Moment] = []
    if kind != "pushes":
        rows += moments.of_registrations(history)
    if kind != "registrations":
        rows += moments.of_pushes(history)
    if not kind:
        rows += moments.of_others(history)
    rows = [row for row in rows if before is None or row.at < before]
    rows.sort(key=lambda row: row.at, reverse=True)
    older = rows[ROWS - 1].at.isoformat() if len(rows) > ROWS else ""
    return Timeline(rows[:ROWS], older, kind)


def before_of(asked) -> datetime | None:
    """The moment that a page of the timeline ends before; None for the newest page."""
    found = moment_of(asked.get("before", ""))
    return found if found is not None and FIRST <= found <= LAST else None
