"""Rules and states in words: what was seen, what it means for the caller, what to do next.

A block is never stated as fact: Apple does not report it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.formats import number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from notifications.consequences import unreached
from notifications.models import App, Attempt, Call, Ledger, Push

# Translators: a unit of time, as short as it can be.
UNIT_OF_DAY = pgettext_lazy("unit of time", "d")
#: state → tone and icon of its chip (DESIGN.md).
CHIPS = {
    "fine": ("ok", "circle-check"),
    "not_waking": ("hot", "alert-triangle"),
    "suspected": ("bad", "ban"),
    "silent": ("mute", "wifi-off"),
    "recovered": ("ok", "circle-check"),
    "released": ("warn", "clock"),
}
#: verdict → tone and words, where it needs no figure.
VERDICTS = {
    "unhandled": ("hot", _("did not wake")),
    "exempt": ("mute", _("app was open")),
    "awaited": ("info", _("accepted, awaited")),
}
#: No line ends between a number and its unit.
UNPARTED = "\N{NO-BREAK SPACE}"
#: What people did, by the verb of its audit entry.
ACTIONS = {
    "push.resend": _("Resent a push"),
    "push.withdraw": _("Withdrew a push"),
    "bulk.start": _("Resent many pushes"),
    "bulk.test": _("Sent test pushes to many"),
    "bulk.reset": _("Reset the strikes of many"),
    "bulk.cancel": _("Stopped a bulk"),
    "push.test": _("Sent a test push"),
    "strikes.reset": _("Reset strikes"),
    "token.reveal": _("Revealed tokens"),
    "token.other_environment": _("Tried the other environment"),
    "credential.set": _("Stored a key"),
    "beacon.secret": _("Made a beacon secret"),
    "payload.set": _("Changed a payload template"),
    "token.give": _("Made an API token"),
    "token.revoke": _("Revoked an API token"),
    "app.add": _("Added an app"),
    "app.change": _("Changed strike rules"),
    "feed.change": _("Changed a feed"),
    "user.add": _("Added a person"),
    "user.group": _("Moved a person"),
    "user.password": _("Changed a password"),
    "user.activate": _("Gave a login back"),
    "user.deactivate": _("Took a login away"),
    "export.devices": _("Exported devices"),
    "export.pushes": _("Exported pushes"),
    "export.failed": _("Exported failed deliveries"),
    "export.failures": _("Exported failures by reason"),
    "export.malformed": _("Exported malformed registrations"),
    "export.refused": _("Exported refused requests"),
    "view.share": _("Shared a view"),
    "view.rename": _("Renamed a shared view"),
    "view.delete": _("Deleted a shared view"),
    "export.audit": _("Exported the audit trail"),
    "export.bulk": _("Exported results of a bulk"),
}


#: state → what it means for the caller, what to do next; `back` and `away` are both silent.
MEANINGS = {
    "suspected": (
        _(
            "iOS has probably stopped waking this app. Calls to %(who)s would then fail "
            "silently, while APNs still accepts every push."
        ),
        _(
            "Ask %(who)s to open the app; if calls still do not ring, to delete and "
            "reinstall it."
        ),
    ),
    "recovered": (_("The app of %(who)s wakes again after a run of strikes."), ""),
    "released": (
        _(
            "The last strike is older than the release time: iOS may wake the app of "
            "%(who)s again. This is a question, not an answer."
        ),
        _("The next call decides: unhandled, the run goes on; handled, it ends."),
    ),
    "back": (
        _(
            "The phone of %(who)s was away for its strikes and is back: it was off, offline "
            "or blocked, pushdash cannot tell."
        ),
        _(
            "The next call decides: handled, the run ends; unhandled, a block is likely."
        ),
    ),
    "away": (
        _(
            "The phone of %(who)s was not seen since the first strike: off, offline or "
            "blocked, pushdash cannot tell."
        ),
        _("Wait for a sign of life, or ask whether the phone is on."),
    ),
}


def end_of(push: Push, attempts: list[Attempt]) -> tuple[str, str]:
    """Who says how a push ended that APNs did not accept, and what is surely known of it."""
    said = push.reason or push.state
    if push.state == Push.State.REJECTED or (attempts and attempts[-1].status):
        return "APNs", gettext("APNs answered %(reason)s") % {"reason": said}
    if push.state == Push.State.UNKNOWN:
        told = gettext("Whether APNs took it is unknown: %(reason)s")
        return "pushdash", told % {"reason": said}
    return "pushdash", f"{push.get_state_display()}: {said}"


def struck(strikes: int, threshold: int) -> str:
    """How many strikes, and from how many on a phone is suspected."""
    facts = {"strikes": strikes, "threshold": threshold}
    if strikes > threshold:
        return gettext("%(strikes)s strikes, suspected from %(threshold)s") % facts
    return gettext("%(strikes)s of %(threshold)s strikes") % facts


def next_strike(strike: int, threshold: int) -> str:
    """Which strike one more unhandled push would be."""
    facts = {"next": strike, "threshold": threshold}
    if strike > threshold:
        told = gettext("Would be strike %(next)s, suspected from %(threshold)s")
        return told % facts
    return gettext("Would be strike %(next)s of %(threshold)s") % facts


def meaning(
    ledger: Ledger | None, who: str, broken: Iterable[str] = ()
) -> tuple[str, str]:
    """What the state means for the caller, and what to do next; `broken` are the rules that
    the Contact breaks.
    """
    what, then = unreached(broken, who)
    if what and (ledger is None or ledger.state == "fine"):
        return what, then
    told, next_step = _meaning(ledger, who)
    return f"{what} {told}".strip(), f"{then} {next_step}".strip()


def _meaning(ledger: Ledger | None, who: str) -> tuple[str, str]:
    if ledger is None or ledger.state == "fine":
        calm = gettext("Nothing says that calls to %(who)s fail to wake the app.")
        return calm % {"who": who}, ""
    if ledger.state == "not_waking":
        return _not_waking(ledger.threshold - ledger.strikes, who)
    what, then = (
        _seen_since(ledger) if ledger.state == "silent" else MEANINGS[ledger.state]
    )
    return str(what) % {"who": who}, str(then) % {"who": who}


def _not_waking(left: int, who: str) -> tuple[str, str]:
    what = ngettext(
        "%(left)s more unhandled VoIP push and iOS will probably stop waking this app. "
        "Calls to %(who)s would then fail silently.",
        "%(left)s more unhandled VoIP pushes and iOS will probably stop waking this app. "
        "Calls to %(who)s would then fail silently.",
        left,
    )
    then = gettext(
        "Ask %(who)s to open the app once, then check that a REGISTER arrives. Send no VoIP "
        "push before that."
    )
    return what % {"left": left, "who": who}, then % {"who": who}


def _seen_since(ledger: Ledger) -> tuple[str, str]:
    return MEANINGS["back" if is_seen_since(ledger) else "away"]


def is_seen_since(ledger: Ledger) -> bool:
    """A sign of life came after the first strike of the run."""
    seen, first = ledger.last_sign_at, ledger.first_strike_at
    return seen is not None and (first is None or seen > first)


def evidence_of(ledger: Ledger, now: datetime) -> tuple[str, str]:
    """The evidence for the risk board: what counts, in bold, and what goes with it."""
    if ledger.state == "recovered":
        count = ledger.recovered_strikes
        after = ngettext(
            "after %(count)s strike. Strikes cleared.",
            "after %(count)s strikes. Strikes cleared.",
            count,
        )
        return gettext("Woke again"), after % {"count": count}
    lead = ngettext(
        "%(pushes)s VoIP push accepted, 0 wakes",
        "%(pushes)s VoIP pushes accepted, 0 wakes",
        ledger.pushes,
    ) % {"pushes": ledger.pushes}
    first = ledger.first_strike_at
    since = (
        gettext("since %(at)s.") % {"at": f"{localtime(first):%H:%M}"} if first else "."
    )
    if not is_seen_since(ledger):
        none = gettext("No sign of life since the first.")
        return lead, f"{since} {none}"
    seen = gettext("Seen alive %(span)s ago.") % {"span": ago(ledger.last_sign_at, now)}
    return lead, f"{since} {seen}"


def rules_in_words(apps: Iterable[App]) -> str:
    """The settings every score stands beside: `30 s window, threshold 3`, by app if they
    differ.
    """
    rules = {}
    for app in apps:
        seconds = app.wake_window.total_seconds()
        words = gettext(
            "wake window %(seconds)s s, suspected from %(threshold)s strikes"
        ) % {"seconds": number(seconds), "threshold": app.threshold}
        rules.setdefault(words, []).append(app.name)
    if len(rules) == 1:
        return next(iter(rules))
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in rules.items())


def outcome_of(push: Push) -> tuple[str, str]:
    """What became of a push: tone and words. Never "delivered"."""
    call = push.sip_call
    if push.state == Push.State.HELD:
        return "warn", gettext("held by protect mode")
    if push.state != Push.State.ACCEPTED:
        tones = {
            "rejected": "bad",
            "failed": "bad",
            "unknown": "warn",
            "expired": "warn",
        }
        words = push.reason if push.state == "rejected" else push.get_state_display()
        return tones.get(push.state, "info"), words or push.state
    if push.push_type != Push.Type.VOIP:
        accepted = gettext("%(type)s, accepted")
        return "mute", accepted % {"type": push.get_push_type_display().lower()}
    if call is None:
        return "info", gettext("accepted, awaited")
    return _verdict_words(call)


def _verdict_words(call: Call) -> tuple[str, str]:
    if call.verdict == Call.Verdict.HANDLED:
        seconds = call.wake_time.total_seconds() if call.wake_time is not None else 0
        late = call.rule == "late"
        woke = gettext("woke late, %(span)s") if late else gettext("woke in %(span)s")
        return "warn" if late else "ok", woke % {"span": f"{number(seconds, 1)} s"}
    if call.verdict == Call.Verdict.NOT_COUNTED:
        return "mute", gettext("not counted, %(rule)s") % {"rule": call.rule}
    tone, words = VERDICTS[call.verdict]
    return tone, str(words)


def number(value: float, places: int = 0) -> str:
    """As the reader's language writes it: `1,234.5`."""
    return number_format(round(value, places), places, True, force_grouping=True)


def ago(moment: datetime, now: datetime) -> str:
    """A span in one unit, which no line end parts from its number: 37 s, 5 min, 3 h, 2 d."""
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86400, UNIT_OF_DAY), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size}{UNPARTED}{unit}"
    return f"{seconds}{UNPARTED}s"
