"""The way of a push in words: from the request to the verdict, a step not reached says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from notifications.apns import REASONS
from notifications.backlog import why_waiting
from notifications.models import Call, Push
from notifications.stored_words import told
from notifications.wording import number

PROOFS = {
    "register": _("by a REGISTER"),
    "challenged": _("by a challenged REGISTER"),
    "answer": _("by a SIP answer"),
    "beacon": _("by the app's beacon"),
}
#: Of these a phone may have answered, and nothing shows it.
WOKEN = {Call.Verdict.HANDLED, Call.Verdict.EXEMPT, Call.Verdict.NOT_COUNTED}
#: RFC 3261 §21.4.25: the request was ended by a CANCEL.
HUNG_UP = 487


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way from the request to the verdict."""

    state: str
    icon: str
    title: str
    when: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What a phone answered to the call (a SIP status code), and whether it is this one."""

    at: datetime
    code: int
    is_ours: bool


def steps_of(
    found: Push,
    call: Call | None,
    tries: int,
    now: datetime,
    answers: Sequence[Answered] = (),
) -> list[Step]:
    """From the request to the end of its call; a step not reached says so. `answers`: those of
    all phones to its call.
    """
    is_observed = found.origin == Push.Origin.OBSERVED
    origin = found.get_origin_display().lower()
    asked = Step(
        "ok",
        "check",
        gettext("Logged") if is_observed else gettext("Queued"),
        _clock(found.created_at),
        gettext("by %(origin)s") % {"origin": origin},
    )
    steps = [asked, _sent(found, tries, now), _answered(found)]
    if found.push_type != Push.Type.VOIP:
        return steps
    steps.append(_woke(found, call))
    return [*steps, _taken(found, call, answers)] if found.call_id else steps


def _clock(moment: datetime) -> str:
    return f"{localtime(moment):%H:%M:%S.%f}"[:-3]


def _after(moment: datetime, start: datetime) -> str:
    return f"+ {number((moment - start).total_seconds(), 2)} s"


def _sent(found: Push, tries: int, now: datetime) -> Step:
    attempts = ngettext("%(tries)s attempt", "%(tries)s attempts", tries)
    attempts %= {"tries": tries}
    if found.sent_at:
        when = _after(found.sent_at, found.created_at)
        return Step("ok", "check", gettext("Sent"), when, attempts)
    if found.state == Push.State.QUEUED:
        return Step(
            "info",
            "clock",
            gettext("Waiting to be sent"),
            attempts,
            why_waiting(found, now),
        )
    if found.state == Push.State.SENDING:
        return Step("info", "clock", gettext("Waiting to be sent"), "", attempts)
    if found.state == Push.State.HELD:
        why = gettext("protect mode: one more unhandled push may block the app")
        return Step("info", "player-pause", gettext("Held"), "", why)
    state = found.get_state_display()
    return Step("bad", "x", gettext("Not sent"), state, told(found.reason))


def _answered(found: Push) -> Step:
    if found.accepted_at:
        when = _after(found.accepted_at, found.created_at)
        return Step("ok", "check", gettext("Accepted by APNs"), when, "200")
    if found.state == Push.State.REJECTED:
        return Step("bad", "x", gettext("Rejected by APNs"), "", found.reason)
    if found.state == Push.State.UNKNOWN and found.reason in REASONS:
        # A 500: APNs failed on the way, after it may have taken the push.
        return Step("bad", "x", gettext("No clear answer"), "", found.reason)
    if found.state == Push.State.UNKNOWN:
        return Step(
            "bad", "x", gettext("No answer"), "", gettext("APNs may have taken it")
        )
    return Step("todo", "minus", gettext("Accepted by APNs"), "", _not_yet(found))


def _woke(found: Push, call: Call | None) -> Step:
    if found.state != Push.State.ACCEPTED:
        return Step("todo", "minus", gettext("App woke"), "", _not_yet(found))
    if call is None or call.verdict == Call.Verdict.AWAITED:
        waits = gettext("until the deadline is surely past")
        return Step("info", "clock", gettext("Awaited"), "", waits)
    if call.verdict == Call.Verdict.HANDLED:
        when = ""
        if call.wake_time:
            when = f"+ {number(call.wake_time.total_seconds(), 1)} s"
        return Step("ok", "check", gettext("App woke"), when, _proof(call))
    if call.verdict == Call.Verdict.UNHANDLED:
        none = gettext("no sign by the deadline")
        title = gettext("App did not wake")
        return Step("bad", "x", title, _strike(found, call), none)
    return Step("todo", "minus", call.get_verdict_display(), "", _rule(call))


def _taken(found: Push, call: Call | None, answers: Sequence[Answered]) -> Step:
    """Whether the call was answered: what this phone said stands before what others did."""
    ours = [one for one in answers if one.is_ours]
    if ours:
        return _said(found, max(ours, key=lambda one: (one.code >= 200, one.at)))
    title = gettext("Call answered")
    if any(200 <= one.code < 300 for one in answers):
        others = gettext("another phone of this call answered")
        return Step("todo", "minus", gettext("Answered elsewhere"), "", others)
    if call is not None and call.verdict == Call.Verdict.AWAITED:
        return Step("todo", "minus", title, "", gettext("not yet"))
    if call is not None and call.verdict in WOKEN:
        none = gettext("no log shows what this phone answered")
        return Step("todo", "minus", title, gettext("unknown"), none)
    return Step("todo", "minus", title, "", _not_yet(found))


def _said(found: Push, last: Answered) -> Step:
    when = _after(last.at, found.created_at)
    code = gettext("SIP answer %(code)s") % {"code": last.code}
    if last.code < 200:
        told = gettext("%(answer)s, and no end of the call was seen")
        return Step(
            "info", "bell-ringing", gettext("It rang"), when, told % {"answer": code}
        )
    if last.code < 300:
        return Step("ok", "check", gettext("Call answered"), when, code)
    if last.code == HUNG_UP:
        told = gettext("the caller hung up first")
        return Step("info", "minus", gettext("It rang"), when, told)
    return Step("info", "minus", gettext("Call declined or busy"), when, code)


def _strike(found: Push, call: Call) -> str:
    """Which strike of the run it is; empty for one that a wake has ended."""
    ledger = getattr(found.token, "ledger", None)
    calls = [row["call"] for row in ledger.run] if ledger else []
    if call.pk not in calls:
        return ""
    return gettext("Strike %(number)s") % {"number": calls.index(call.pk) + 1}


def _not_yet(found: Push) -> str:
    waits = found.state in {Push.State.QUEUED, Push.State.SENDING}
    return gettext("not yet") if waits else gettext("not reached")


def _rule(call: Call) -> str:
    return gettext("rule %(rule)s") % {"rule": call.rule}


def _proof(call: Call) -> str:
    known = PROOFS.get(call.rule)
    return str(known) if known else _rule(call)
