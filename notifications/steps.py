"""The way of a push in words: from the request to the verdict, a step not reached says so."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way from the request to the verdict."""

    state: str
    icon: str
    title: str
    when: str
    detail: str


def steps_of(found: Push, call: Call | None, tries: int, now: datetime) -> list[Step]:
    """From the request to the verdict; a step not reached says so."""
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
    return steps + [_woke(found, call)] if found.push_type == Push.Type.VOIP else steps


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
