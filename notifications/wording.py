"""Rules and states in words: what was seen, what it means for the caller, what to do next.

A block is never stated as fact: Apple does not report it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import pgettext

from notifications.models import App, Attempt, Call, Ledger, Push

#: state → tone and icon of its chip (DESIGN.md).
CHIPS = {
    "fine": ("ok", "circle-check"),
    "not_waking": ("hot", "alert-triangle"),
    "suspected": ("bad", "ban"),
    "silent": ("mute", "wifi-off"),
    "recovered": ("ok", "circle-check"),
    "released": ("warn", "clock"),
}
RULES = {
    "answer": "The phone answered the call itself (SIP answer on this Call-ID).",
    "beacon": "The app reported the push by its beacon.",
    "register": "A REGISTER followed the push. It proves that the app ran, not that it "
    "reported a call to CallKit.",
    "challenged": "A REGISTER followed, which the registrar only challenged: the app was "
    "awake.",
    "late": "It came after the deadline. An answer or beacon still proves that the app woke; "
    "a REGISTER alone may be the user opening it.",
    "ambiguous": "A remote push was accepted just before the REGISTER: either may have woken "
    "the app.",
    "on_call": "The phone was on a call already: iOS asks for no report, and an answer says "
    "nothing about waking.",
    "foreground": "The app was open already: iOS asks for no report, and waking says nothing.",
    "no_proof": "Every log that could have shown a sign of waking was read past the deadline, "
    "and there was none.",
    "rejected": "APNs refused the push, so the phone never saw it.",
    "expired": "Its life was over before it could be sent.",
    "unknown": "It left, and no answer came: nobody knows whether APNs took it.",
    "failed": "It could not be sent.",
    "cancelled": "It was withdrawn before it was sent.",
    "held": "It was held back.",
}
#: What people did, by the verb of its audit entry.
ACTIONS = {
    "push.resend": "Resent a push",
    "push.withdraw": "Withdrew a push",
    "bulk.start": "Resent many pushes",
    "bulk.cancel": "Stopped a resend of many",
    "push.test": "Sent a test push",
    "strikes.reset": "Reset strikes",
    "token.reveal": "Revealed tokens",
    "token.other_environment": "Tried the other environment",
    "credential.set": "Stored a key",
    "beacon.secret": "Made a beacon secret",
    "payload.set": "Changed a payload template",
    "token.give": "Made an API token",
    "token.revoke": "Revoked an API token",
    "app.add": "Added an app",
    "app.change": "Changed strike rules",
    "feed.change": "Changed a feed",
    "user.add": "Added a person",
    "user.group": "Moved a person",
    "user.activate": "Gave a login back",
    "user.deactivate": "Took a login away",
    "export.devices": "Exported devices",
    "export.pushes": "Exported pushes",
    "view.share": "Shared a view",
    "view.delete": "Deleted a shared view",
    "export.audit": "Exported the audit trail",
    "export.bulk": "Exported results of a resend",
}


def end_of(push: Push, attempts: list[Attempt]) -> tuple[str, str]:
    """Who says how a push ended that APNs did not accept, and what is surely known of it."""
    said = push.reason or push.state
    if push.state == Push.State.REJECTED or (attempts and attempts[-1].status):
        return "APNs", f"APNs answered {said}"
    if push.state == Push.State.UNKNOWN:
        return "pushdash", f"Whether APNs took it is unknown: {said}"
    return "pushdash", f"{push.get_state_display()}: {said}"


def rule_of(call: Call) -> str:
    """Why the verdict came out so, and how far the clock of the evidence was off."""
    skew = timedelta(milliseconds=(call.evidence or {}).get("skew_ms", 0))
    return " ".join(words for words in (RULES.get(call.rule, ""), clock(skew)) if words)


def clock(skew: timedelta) -> str:
    """How a feed's clock stands to ours; empty where the difference is less than a second."""
    seconds = skew.total_seconds()
    if seconds >= 1:
        return f"The clock of the feed was {seconds:.1f} s ahead of ours, and was corrected."
    if seconds <= -1:
        return (
            f"The feed came {-seconds:.1f} s late or its clock was behind by so much, so "
            "evidence counted from that long before the push left."
        )
    return ""


def meaning(ledger: Ledger | None, who: str) -> tuple[str, str]:
    """What the state means for the caller, and what to do next."""
    if ledger is None or ledger.state == "fine":
        return f"Nothing says that calls to {who} fail to wake the app.", ""
    if ledger.state == "silent":
        return _silent(ledger, who)
    left = ledger.threshold - ledger.strikes
    return {
        "not_waking": (
            f"{left} more unhandled VoIP {'push' if left == 1 else 'pushes'} and iOS will "
            f"probably stop waking this app. Calls to {who} would then fail silently.",
            f"Ask {who} to open the app once, then check that a REGISTER arrives. Send no "
            "VoIP push before that.",
        ),
        "suspected": (
            f"iOS has probably stopped waking this app. Calls to {who} would then fail "
            "silently, while APNs still accepts every push.",
            f"Ask {who} to open the app; if calls still do not ring, to delete and "
            "reinstall it.",
        ),
        "recovered": (f"The app of {who} wakes again after a run of strikes.", ""),
        "released": (
            f"The last strike is older than the release time: iOS may wake the app of {who} "
            "again. This is a question, not an answer.",
            "The next call decides: unhandled, the run goes on; handled, it ends.",
        ),
    }[ledger.state]


def _silent(ledger: Ledger, who: str) -> tuple[str, str]:
    if is_seen_since(ledger):
        return (
            f"The phone of {who} was away for its strikes and is back: it was off, offline or "
            "blocked, pushdash cannot tell.",
            "The next call decides: handled, the run ends; unhandled, a block is likely.",
        )
    return (
        f"The phone of {who} was not seen since the first strike: off, offline or blocked, "
        "pushdash cannot tell.",
        "Wait for a sign of life, or ask whether the phone is on.",
    )


def is_seen_since(ledger: Ledger) -> bool:
    """A sign of life came after the first strike of the run."""
    seen, first = ledger.last_sign_at, ledger.first_strike_at
    return seen is not None and (first is None or seen > first)


def evidence_of(ledger: Ledger, now: datetime) -> tuple[str, str]:
    """The evidence for the risk board: what counts, in bold, and what goes with it."""
    if ledger.state == "recovered":
        count = ledger.recovered_strikes
        strikes = f"{count} {'strike' if count == 1 else 'strikes'}"
        return "Woke again", f"after {strikes}. Strikes cleared."
    pushes = "push" if ledger.pushes == 1 else "pushes"
    lead = f"{ledger.pushes} VoIP {pushes} accepted, 0 wakes"
    since = f" since {ledger.first_strike_at:%H:%M}" if ledger.first_strike_at else ""
    if not is_seen_since(ledger):
        return lead, f"{since}. No sign of life since the first.".strip()
    seen = f"Seen alive {ago(ledger.last_sign_at, now)} ago."
    return lead, f"{since}. {seen}".strip()


def rules_in_words(apps: Iterable[App]) -> str:
    """The settings every score stands beside: `30 s window, threshold 3`, by app if they
    differ.
    """
    rules = {}
    for app in apps:
        seconds = app.wake_window.total_seconds()
        words = f"wake window {seconds:.0f} s, suspected from {app.threshold} strikes"
        rules.setdefault(words, []).append(app.name)
    if len(rules) == 1:
        return next(iter(rules))
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in rules.items())


def outcome_of(push: Push) -> tuple[str, str]:
    """What became of a push: tone and words. Never "delivered"."""
    call = push.sip_call
    if push.state == Push.State.HELD:
        return "warn", "held by protect mode"
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
        return "mute", f"{push.push_type}, accepted"
    if call is None:
        return "info", "accepted, awaited"
    return _verdict_words(call)


def _verdict_words(call: Call) -> tuple[str, str]:
    if call.verdict == Call.Verdict.HANDLED:
        seconds = call.wake_time.total_seconds() if call.wake_time is not None else 0
        late = "woke late, " if call.rule == "late" else "woke in "
        return ("warn" if call.rule == "late" else "ok"), f"{late}{seconds:.1f} s"
    return {
        "unhandled": ("hot", "did not wake"),
        "exempt": ("mute", "app was open"),
        "not_counted": ("mute", f"not counted, {call.rule}"),
        "awaited": ("info", "accepted, awaited"),
    }[call.verdict]


def ago(moment: datetime, now: datetime) -> str:
    """A span in one unit: 37 s, 5 min, 3 h, 2 d."""
    seconds = max(0, int((now - moment).total_seconds()))
    # Translators: a unit of time, as short as it can be.
    day = pgettext("unit of time", "d")
    for size, unit in ((86400, day), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
