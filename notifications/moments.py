"""Lines of a device's timeline, one for each kind of thing that happened to it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.device_history import (
    RESET,
    ROWS,
    History,
    Overturned,
    Register,
    Sign,
)
from notifications.lanes import ANSWER
from notifications.models import Call, Push, TokenHealth, TokenHealthChange
from notifications.rule_words import RULES
from notifications.sign_words import CHALLENGES, titled
from notifications.token_history import health_said
from notifications.turn_words import change_told
from notifications.wording import number, outcome_of
from registrations.models import PushToken

#: The kind of a REGISTER that the registrar did not accept.
CHALLENGED = "challenged"
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


def of_registrations(history: History) -> list[Moment]:
    """REGISTERs, what the registrar answered to those it did not accept, and expiries."""
    return [
        *map(_registration, history.registers),
        *map(_sign, _unaccepted(history)),
        *_expiries(history),
    ]


def _unaccepted(history: History) -> list[Sign]:
    """Those without the first round of a REGISTER that was accepted then: a log that is
    followed shows the 401 before the rest is written.
    """
    rounds = {(row.call_id, row.moment) for row in history.registers}
    return [
        sign
        for sign in history.signs
        if sign.kind == CHALLENGED
        and (sign.code not in CHALLENGES or (sign.call_id, sign.moment) not in rounds)
    ]


def of_pushes(history: History) -> list[Moment]:
    """Pushes, answers to their calls, strikes, and verdicts that were overturned."""
    answers = (sign for sign in history.signs if sign.kind == "answer")
    return [
        *(_push(push, _behind(push, history)) for push in history.pushes),
        *map(_sign, answers),
        *_strikes(history),
        *map(_overturned, history.overturned),
    ]


def of_others(history: History) -> list[Moment]:
    """Turning points, what APNs says of the tokens, beacons, dialogs of its own."""
    others = (sign for sign in history.signs if sign.kind not in {CHALLENGED, "answer"})
    return [*_turns(history), *_health(history), *map(_sign, others)]


def _registration(row: Register) -> Moment:
    return Moment(
        row.moment,
        "mute" if row.kind == "unregistered" else "ok",
        _registered(row),
        _expires(row) + _place(row),
    )


def _place(row: Register | Sign) -> str:
    place = {"file": row.feed, "position": number(row.position)}
    return gettext("%(file)s, byte %(position)s") % place


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


def _expiries(history: History) -> list[Moment]:
    """Bindings that ended by time: no REGISTER came before. Of the page alone, which knows
    what followed each: nothing until it ends, or the next one.
    """
    found, next_at = [], history.before
    page = [row for row in history.registers if row.moment < history.before]
    for row in page[: ROWS + 1]:
        if row.kind != "unregistered" and row.expires is not None:
            end = row.moment + timedelta(seconds=row.expires)
            if end < next_at:
                found.append(_expired(row, end))
        next_at = row.moment
    return found


def _expired(row: Register, end: datetime) -> Moment:
    told = gettext("No REGISTER renewed the one of %(at)s in time")
    at = f"{localtime(row.moment):%H:%M:%S}"
    title = gettext("Binding expired")
    return Moment(end, "warn", title, told % {"at": at}, icon="clock")


def _sign(sign: Sign) -> Moment:
    title = titled(sign.kind, sign.code)
    # A beacon stands in no log.
    details = [_meaning(sign), "" if sign.kind == "beacon" else _place(sign)]
    return Moment(sign.moment, _tone(sign), title, " · ".join(filter(None, details)))


def _tone(sign: Sign) -> str:
    if sign.kind != CHALLENGED:
        return "ok"
    is_refused = sign.code is not None and sign.code not in CHALLENGES
    return "bad" if is_refused else "mute"


def _meaning(sign: Sign) -> str:
    if sign.kind == "beacon" and not sign.call_id:
        return gettext("The app came to the foreground")
    if sign.kind == "beacon":
        return gettext("Woken by Call-ID %(call)s") % {"call": sign.call_id}
    if sign.kind == CHALLENGED:
        return gettext("A sign of life; it changes no binding and no token")
    return f"Call-ID {sign.call_id}" if sign.call_id else ""


def _behind(push: Push, history: History) -> Register | None:
    """The REGISTER that answers a remote push: the first one soon after APNs took it."""
    if push.push_type == Push.Type.VOIP or push.accepted_at is None:
        return None
    until = push.accepted_at + ANSWER
    # The newest are first.
    for row in reversed(history.registers):
        if push.accepted_at <= row.moment:
            return row if row.moment <= until else None
    return None


def _push(push: Push, behind: Register | None) -> Moment:
    tone, words = outcome_of(push)
    detail = f"Call-ID {push.call_id}" if push.call_id else gettext("No Call-ID")
    details = [detail, push.get_origin_display().lower()]
    if behind is not None:
        later = (behind.moment - push.accepted_at).total_seconds()
        told = gettext("REGISTER %(span)s later: the app ran")
        details.append(told % {"span": f"{number(later, 1)} s"})
    told = {"type": push.get_push_type_display(), "words": words}
    return Moment(
        push.sent_at or push.created_at,
        tone,
        gettext("%(type)s push, %(words)s") % told,
        " · ".join(details),
        reverse("notifications:push", args=[push.pk]),
    )


def _overturned(change: Overturned) -> Moment:
    words = dict(Call.Verdict.choices)
    told = {"was": words[change.was].lower(), "became": words[change.became].lower()}
    link = reverse("notifications:push", args=[change.push]) if change.push else ""
    return Moment(
        change.moment,
        "info",
        gettext("Verdict overturned: %(was)s → %(became)s") % told,
        str(RULES.get(change.rule, "")),
        link,
        icon="refresh",
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
    said = health_said(change.reason)
    is_good = change.after == TokenHealth.State.VALID
    tone, icon = ("ok", "circle-check") if is_good else ("bad", "ban")
    return Moment(change.at, tone, title, said, icon=icon)
