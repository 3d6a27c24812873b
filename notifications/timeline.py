"""The timeline of one device: what happened to it, the newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from notifications import moments
from notifications.device_address import Place
from notifications.device_history import ROWS, History
from notifications.moments import Moment

KINDS = {
    "": _("All events"),
    "pushes": _("Pushes only"),
    "registrations": _("Registrations only"),
}


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of it, newest first; the addresses of the pages beside it and of each kind."""

    rows: list[Moment]
    older: str
    newer: str
    kind: str
    kinds: list[tuple[str, str, str]]


def timeline(history: History, place: Place) -> Timeline:
    """What happened to a device in the part of its history that an address names."""
    kind = place.kind
    rows: list[Moment] = []
    if kind != "pushes":
        rows += moments.of_registrations(history)
    if kind != "registrations":
        rows += moments.of_pushes(history)
    if not kind:
        rows += moments.of_others(history)
    start, end = place.start, place.end
    rows = [row for row in rows if end is None or row.at < end]
    rows = [row for row in rows if start is None or row.at >= start]
    rows.sort(key=lambda row: row.at, reverse=True)
    is_more = len(rows) > ROWS
    return Timeline(
        rows=rows[:ROWS],
        older=place.older(rows[ROWS - 1].at.isoformat()) if is_more else "",
        newer=place.newer,
        kind=kind,
        kinds=[
            (name, str(label), place.of_kind(name)) for name, label in KINDS.items()
        ],
    )
