"""The timeline of one device: registrations, pushes, strikes, turning points, resets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from notifications.models import Ledger, TokenHealth
from notifications.wording import outcome_of
from registrations.models import Device, PushToken

ROWS = 40
KINDS = {
    "": "All events",
    "pushes": "Pushes only",
    "registrations": "Registrations only",
}
REGISTRATIONS = {
    "registered": "REGISTER, accepted",
    "refreshed": "REGISTER, refreshed",
    "unregistered": "De-registered",
}
#: kind of a turning point → title, what it means.
EVENTS = {
    "reinstalled": (
        "App reinstalled",
        "The same token under a new instance-id: strikes start anew",
    ),
    "token_changed": ("Token changed", "The same install, a new token: a new ledger"),
    "token_lost": ("A token is missing", "The newest REGISTER brings one token less"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line. With an icon it is a turning point; `strike` numbers its evidence."""

    at: datetime
    tone: str
    title: str
    detail: str
    link: str = ""
    icon: str = ""
    strike: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of it, newest first; `older` is the moment the next page starts before."""

    rows: list[Moment]
    older: str
    kind: str
    kinds: tuple[tuple[str, str], ...] = tuple(KINDS.items())


def timeline(
    device: Device, voip: PushToken | None, ledger: Ledger | None, asked
) -> Timeline:
    """What happened to a device before the moment asked for."""
    kind = asked.get("events", "")
    kind = kind if kind in KINDS else ""
    before = _moment(asked.get("before", ""))
    rows: list[Moment] = []
    if kind != "pushes":
        rows += _registrations(device, before)
    if kind != "registrations":
        rows += _pushes(device, before) + _strikes(ledger)
    if not kind:
        rows += _events(device) + _resets(voip) + _health(voip)
    rows = [row for row in rows if before is None or row.at < before]
    rows.sort(key=lambda row: row.at, reverse=True)
    older = rows[ROWS - 1].at.isoformat() if len(rows) > ROWS else ""
    return Timeline(rows[:ROWS], older, kind)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _registrations(device: Device, before: datetime | None) -> list[Moment]:
    rows = device.registrations.filter(moment__isnull=False).order_by("-moment")
    rows = rows.filter(moment__lt=before) if before else rows
    return [
        Moment(
            row.moment,
            "mute" if row.kind == "unregistered" else "ok",
            REGISTRATIONS[row.kind] + (" (assume accepted)" if row.assumed else ""),
            f"{_expires(row)}{row.feed.name}, byte {row.position:,}",
        )
        for row in rows.select_related("feed")[: ROWS + 1]
    ]


def _expires(row) -> str:
    if row.kind == "unregistered" or row.expires is None:
        return ""
    return f"Expires in {row.expires:,} s · "


def _pushes(device: Device, before: datetime | None) -> list[Moment]:
    rows = device.pushes.select_related("sip_call").order_by("-created_at")
    rows = rows.filter(created_at__lt=before) if before else rows
    moments = []
    for push in rows[: ROWS + 1]:
        tone, words = outcome_of(push)
        detail = f"Call-ID {push.call_id}" if push.call_id else "No Call-ID"
        moments.append(
            Moment(
                push.sent_at or push.created_at,
                tone,
                f"{push.get_push_type_display()} push, {words}",
                f"{detail} · {push.get_origin_display().lower()}",
                reverse("notifications:push", args=[push.pk]),
            )
        )
    return moments


def _strikes(ledger: Ledger | None) -> list[Moment]:
    """At the deadline of each call of the run, when it was surely over."""
    if ledger is None:
        return []
    calls = ledger.token.calls.in_bulk([row["call"] for row in ledger.run])
    return [
        Moment(
            calls[row["call"]].handle_by,
            "hot",
            f"Strike {number}",
            "No sign of waking by the deadline",
            icon="alert-triangle",
            strike=number,
        )
        for number, row in enumerate(ledger.run, 1)
        if row["call"] in calls and calls[row["call"]].handle_by
    ]


def _events(device: Device) -> list[Moment]:
    rows = device.events.filter(kind__in=EVENTS, moment__isnull=False)
    return [
        Moment(row.moment, "info", *EVENTS[row.kind], icon="refresh-dot")
        for row in rows.order_by("-moment")[:ROWS]
    ]


def _resets(voip: PushToken | None) -> list[Moment]:
    if voip is None:
        return []
    return [
        Moment(row.at, "info", "Strikes reset by a person", row.reason, icon="pencil")
        for row in voip.resets.all()
    ]


def _health(voip: PushToken | None) -> list[Moment]:
    found = TokenHealth.objects.filter(token=voip).exclude(state="valid").first()
    if voip is None or found is None:
        return []
    title = f"VoIP token: {found.get_state_display().lower()}"
    return [Moment(found.at, "bad", title, f"APNs said {found.reason}", icon="ban")]
