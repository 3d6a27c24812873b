"""The timeline of one device: registrations, pushes, strikes, turning points, resets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from notifications.device_history import RESET, ROWS, History, Register
from notifications.models import Push, TokenHealth
from notifications.wording import outcome_of
from registrations.models import PushToken

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


def timeline(history: History, asked) -> Timeline:
    """What happened to a device before the moment asked for."""
    kind = asked.get("events", "")
    kind = kind if kind in KINDS else ""
    before = before_of(asked)
    rows: list[Moment] = []
    if kind != "pushes":
        rows += map(_registration, history.registers)
    if kind != "registrations":
        rows += [*map(_push, history.pushes), *_strikes(history)]
    if not kind:
        rows += [*_turns(history), *_health(history.voip)]
    rows = [row for row in rows if before is None or row.at < before]
    rows.sort(key=lambda row: row.at, reverse=True)
    older = rows[ROWS - 1].at.isoformat() if len(rows) > ROWS else ""
    return Timeline(rows[:ROWS], older, kind)


def before_of(asked) -> datetime | None:
    """The moment that a page of the timeline ends before; None for the newest page."""
    try:
        found = datetime.fromisoformat(asked.get("before", ""))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _registration(row: Register) -> Moment:
    return Moment(
        row.moment,
        "mute" if row.kind == "unregistered" else "ok",
        REGISTRATIONS[row.kind] + (" (assume accepted)" if row.assumed else ""),
        f"{_expires(row)}{row.feed}, byte {row.position:,}",
    )


def _expires(row: Register) -> str:
    if row.kind == "unregistered" or row.expires is None:
        return ""
    return f"Expires in {row.expires:,} s · "


def _push(push: Push) -> Moment:
    tone, words = outcome_of(push)
    detail = f"Call-ID {push.call_id}" if push.call_id else "No Call-ID"
    return Moment(
        push.sent_at or push.created_at,
        tone,
        f"{push.get_push_type_display()} push, {words}",
        f"{detail} · {push.get_origin_display().lower()}",
        reverse("notifications:push", args=[push.pk]),
    )


def _strikes(history: History) -> list[Moment]:
    """At the deadline of each call of the run, when it was surely over."""
    struck = history.struck
    numbers = {row["call"]: n for n, row in enumerate(_run(history), 1)}
    return [
        Moment(
            push.sip_call.handle_by,
            "hot",
            f"Strike {numbers[call]}",
            "No sign of waking by the deadline",
            icon="alert-triangle",
            strike=numbers[call],
        )
        for call, push in struck.items()
        if push.sip_call.handle_by
    ]


def _run(history: History) -> list[dict]:
    return history.ledger.run if history.ledger else []


def _turns(history: History) -> list[Moment]:
    found = []
    for turn in history.turns:
        if turn.kind == RESET:
            words = ("Strikes reset by a person", turn.why)
            found.append(Moment(turn.moment, "info", *words, icon="pencil"))
        elif turn.kind in EVENTS:
            words = EVENTS[turn.kind]
            found.append(Moment(turn.moment, "info", *words, icon="refresh-dot"))
    return found


def _health(voip: PushToken | None) -> list[Moment]:
    health = getattr(voip, "health", None)
    if health is None or health.state == TokenHealth.State.VALID:
        return []
    title = f"VoIP token: {health.get_state_display().lower()}"
    return [Moment(health.at, "bad", title, f"APNs said {health.reason}", icon="ban")]
