"""The timeline of one device: registrations, pushes, strikes, turning points, resets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import stored_words
from notifications.device_history import RESET, ROWS, History, Register, Word
from notifications.keyset import moment_of
from notifications.models import Push, TokenHealth, TokenHealthChange
from notifications.ranges import FIRST, LAST
from notifications.token_health import STATE_OF_REASON
from notifications.turn_words import change_told
from notifications.wording import number, outcome_of
from registrations.models import PushToken

KINDS = {
    "": _("All events"),
    "pushes": _("Pushes only"),
    "registrations": _("Registrations only"),
}
REGISTRATIONS = {
    "registered": _("REGISTER, accepted"),
    "refreshed": _("REGISTER, refreshed"),
    "unregistered": _("De-registered"),
}
#: kind of a turning point → title, what it means.
EVENTS = {
    "reinstalled": (
        _("App reinstalled"),
        _("The same token under a new instance-id: strikes start anew"),
    ),
    "token_changed": (
        _("Token changed"),
        _("The same install, a new token: a new ledger"),
    ),
    "token_lost": (
        _("A token is missing"),
        _("The newest REGISTER brings one token less"),
    ),
    "logged_out": (
        _("Logged out"),
        _("De-registered, or no token is left: no push reaches it"),
    ),
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
        rows += [*_turns(history), *_health(history)]
        rows += map(_beacon, history.beacons)
    rows = [row for row in rows if before is None or row.at < before]
    rows.sort(key=lambda row: row.at, reverse=True)
    older = rows[ROWS - 1].at.isoformat() if len(rows) > ROWS else ""
    return Timeline(rows[:ROWS], older, kind)


def before_of(asked) -> datetime | None:
    """The moment that a page of the timeline ends before; None for the newest page."""
    found = moment_of(asked.get("before", ""))
    return found if found is not None and FIRST <= found <= LAST else None


def _registration(row: Register) -> Moment:
    place = {"file": row.feed, "position": number(row.position)}
    return Moment(
        row.moment,
        "mute" if row.kind == "unregistered" else "ok",
        _registered(row),
        _expires(row) + gettext("%(file)s, byte %(position)s") % place,
    )


def _registered(row: Register) -> str:
    words = REGISTRATIONS[row.kind]
    if not row.assumed:
        return str(words)
    return gettext("%(what)s (assume accepted)") % {"what": words}


def _expires(row: Register) -> str:
    if row.kind == "unregistered" or row.expires is None:
        return ""
    told = gettext("Expires in %(seconds)s s") % {"seconds": number(row.expires)}
    return f"{told} · "


def _beacon(word: Word) -> Moment:
    if not word.call_id:
        told = gettext("The app came to the foreground")
        return Moment(word.moment, "ok", gettext("Beacon of the app"), told)
    told = gettext("Woken by Call-ID %(call)s") % {"call": word.call_id}
    return Moment(word.moment, "ok", gettext("Beacon of the app"), told)


def _push(push: Push) -> Moment:
    tone, words = outcome_of(push)
    detail = f"Call-ID {push.call_id}" if push.call_id else gettext("No Call-ID")
    told = {"type": push.get_push_type_display(), "words": words}
    return Moment(
        push.sent_at or push.created_at,
        tone,
        gettext("%(type)s push, %(words)s") % told,
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
            gettext("Strike %(number)s") % {"number": numbers[call]},
            gettext("No sign of waking by the deadline"),
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
            words = (gettext("Strikes reset by a person"), turn.why)
            found.append(Moment(turn.moment, "info", *words, icon="pencil"))
        elif turn.kind in EVENTS:
            title, meaning = EVENTS[turn.kind]
            told = " · ".join(filter(None, (str(meaning), change_told(turn.why))))
            found.append(Moment(turn.moment, "info", title, told, icon="refresh-dot"))
    return found


def _health(history: History) -> list[Moment]:
    """Each change of what APNs says of the tokens it holds now."""
    kinds = {token.pk: kind for kind, token in history.tokens.items()}
    return [_changed(row, kinds[row.token_id]) for row in history.health]


def _changed(change: TokenHealthChange, kind: str) -> Moment:
    is_voip = kind == PushToken.Kind.VOIP
    title = (
        gettext("VoIP token: %(state)s")
        if is_voip
        else gettext("Remote token: %(state)s")
    )
    title %= {"state": change.get_after_display().lower()}
    said = stored_words.told(change.reason)
    if change.reason in STATE_OF_REASON:
        said = gettext("APNs said %(reason)s") % {"reason": change.reason}
    is_good = change.after == TokenHealth.State.VALID
    tone, icon = ("ok", "circle-check") if is_good else ("bad", "ban")
    return Moment(change.at, tone, title, said, icon=icon)
