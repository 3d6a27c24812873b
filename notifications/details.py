"""Read models of one device and one push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from notifications.models import App, Call, Ledger, Push, TokenHealth
from notifications.outbox import life_of
from notifications.resend import facts_of, is_safe
from notifications.watermarks import held_by
from notifications.wording import REJECTED_RULES, meaning, outcome_of, rule_of
from registrations.models import Device, PushToken

TIMELINE_ROWS = 60
#: What each parameter of a Contact means (RFC 8599, Linphone).
PARAMETERS = {
    "pn-provider": "Who pushes: apns is production, apns.dev the sandbox",
    "pn-param": "Team id, bundle id, services",
    "pn-prid": "The tokens, one a service",
    "pn-timeout": "Seconds the proxy waits before it pushes",
    "pn-silent": "No effect any more",
    "pn-call-str": "Text key for calls",
    "pn-msg-str": "Text key for messages",
    "pn-groupchat-str": "Text key for group chats",
    "pn-call-snd": "Sound for calls",
    "pn-msg-snd": "Sound for messages",
    "app-id": "Bundle id and environment, before RFC 8599",
    "pn-type": "Push service, before RFC 8599",
    "pn-tok": "Token, before RFC 8599",
    "transport": "How the phone is reached",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline."""

    at: datetime
    tone: str
    title: str
    detail: str
    link: str = ""


def device(found: Device, now: datetime) -> dict:
    """Everything the Device page shows."""
    holdings = list(
        found.holdings.select_related("token__ledger", "token__health").order_by("-pk")
    )
    current = {row.token.kind: row.token for row in holdings if row.current}
    voip = current.get("voip")
    ledger = Ledger.objects.filter(token=voip).first() if voip else None
    user = found.aor.partition(":")[2].rpartition("@")[0] or found.aor
    what, next_step = meaning(ledger, user)
    is_over = found.expires_at is not None and found.expires_at <= now
    related = Device.objects.filter(aor=found.aor).exclude(pk=found.pk)
    return {
        "device": found,
        "is_bound": found.bound and not is_over,
        "ledger": ledger,
        "app": App.objects.filter(bundle_id=found.bundle_id).first(),
        "strikes": _strikes(ledger),
        "meaning": what,
        "next_step": next_step,
        "why_no_risk": "" if voip else _why_no_risk(found),
        "holdings": holdings,
        "timeline": timeline(found, voip),
        "contact": _parameters(found.contact),
        "problems": [_problem(row) for row in found.problems],
        "related": related[:10],
        "has_remote": "remote" in current,
        "last_voip": found.pushes.filter(push_type="voip")
        .order_by("-created_at")
        .first(),
    }


def _strikes(ledger: Ledger | None) -> list[dict]:
    """The strikes of the run with the push to open; newest threshold of them."""
    if ledger is None:
        return []
    pushes = Push.objects.filter(sip_call__in=[row["call"] for row in ledger.run])
    first = {push.sip_call_id: push for push in pushes.order_by("-created_at")}
    return [
        row
        | {
            "number": number,
            "at": datetime.fromisoformat(row["sent_at"]),
            "push": first.get(row["call"]),
        }
        for number, row in enumerate(ledger.run, 1)
    ]


def _why_no_risk(found: Device) -> str:
    if found.environment:
        return "It has no VoIP token, so iOS cannot stop waking it by VoIP pushes."
    if found.pn_provider:
        return f"Its push provider is {found.pn_provider}, not APNs: never at risk."
    return "Its Contact carries no push parameters (an isolated network, or no push)."


def _problem(row: dict) -> dict:
    words = REJECTED_RULES.get(row["rule"], "Flexisip may not push to this device.")
    return row | {"consequence": words}


def _parameters(contact: str) -> list[tuple[str, str, str]]:
    host, *pieces = contact.split(";")
    rows = [("uri", host, "")]
    for piece in pieces:
        name, _, value = piece.partition("=")
        rows.append((name, value, PARAMETERS.get(name.lower(), "")))
    return rows


def timeline(found: Device, voip: PushToken | None) -> list[Moment]:
    """The newest of everything that happened to a device."""
    rows = _registrations(found) + _pushes(found) + _events(found)
    if voip is not None:
        rows += [
            Moment(reset.at, "info", "Strikes reset by a person", reset.reason)
            for reset in voip.resets.all()
        ]
    rows = [row for row in rows if row.at is not None]
    return sorted(rows, key=lambda row: row.at, reverse=True)[:TIMELINE_ROWS]


def _registrations(found: Device) -> list[Moment]:
    titles = {
        "registered": "REGISTER, accepted",
        "refreshed": "REGISTER, refreshed",
        "unregistered": "De-registered",
    }
    rows = found.registrations.filter(moment__isnull=False).order_by("-moment")
    return [
        Moment(
            row.moment,
            "mute" if row.kind == "unregistered" else "ok",
            titles[row.kind] + (" (assumed)" if row.assumed else ""),
            f"expires in {row.expires:,} s · {row.feed.name}, byte {row.position:,}",
        )
        for row in rows.select_related("feed")[:TIMELINE_ROWS]
    ]


def _pushes(found: Device) -> list[Moment]:
    rows = found.pushes.select_related("sip_call").order_by("-created_at")
    moments = []
    for push in rows[:TIMELINE_ROWS]:
        tone, words = outcome_of(push)
        title = f"{push.get_push_type_display()} push, {words}"
        detail = (
            f"Call-ID {push.call_id}" if push.call_id else push.get_origin_display()
        )
        link = f"/pushes/{push.pk}/"
        moments.append(
            Moment(push.sent_at or push.created_at, tone, title, detail, link)
        )
    return moments


def _events(found: Device) -> list[Moment]:
    titles = {
        "reinstalled": "App reinstalled: strikes start anew",
        "token_changed": "Token changed",
        "token_lost": "A token is missing from the newest REGISTER",
        "logged_out": "Logged out",
    }
    return [
        Moment(row.moment, "warn", titles[row.kind], "")
        for row in found.events.exclude(kind="logged_out")
    ]


def push(found: Push, now: datetime) -> dict:
    """Everything the Push page shows."""
    call = found.sip_call
    tone, words = outcome_of(found)
    facts = facts_of(found.device, found.token, found.push_type, now)
    return {
        "push": found,
        "call": call,
        "tone": tone,
        "words": words,
        "rule": rule_of(call) if call else "",
        "held_by": held_by(call, now) if call else [],
        "changes": call.changes.all() if call else [],
        "attempts": found.attempts.all(),
        "siblings": call.pushes.exclude(pk=found.pk) if call else [],
        "steps": _steps(found, call),
        "headers": _headers(found),
        "safety": is_safe(facts),
        "life": life_of(found.app, found.push_type),
        "health": TokenHealth.objects.filter(token=found.token).first(),
    }


def _headers(found: Push) -> list[tuple[str, str]]:
    return [
        (":path", f"/3/device/{found.token.masked}"),
        ("apns-id", str(found.pk)),
        ("apns-topic", found.topic),
        ("apns-push-type", found.push_type),
        ("apns-priority", str(found.priority)),
        ("apns-expiration", str(int(found.expires_at.timestamp()))),
        *([("apns-collapse-id", found.collapse_id)] if found.collapse_id else []),
    ]


def _steps(found: Push, call: Call | None) -> list[tuple[str, str, str, str]]:
    """(tone, icon, title, detail) from the request to the verdict."""
    asked = ("ok", "check", "Queued", f"{found.created_at:%H:%M:%S.%f}"[:-3])
    sent = ("todo", "send", "Not sent", "")
    if found.sent_at:
        sent = ("ok", "send", "Sent to APNs", f"{found.sent_at:%H:%M:%S.%f}"[:-3])
    tone = {"accepted": "ok", "queued": "todo", "sending": "info"}.get(
        found.state, "bad"
    )
    taken = f"{found.accepted_at:%H:%M:%S.%f}"[:-3] if found.accepted_at else ""
    answer = (tone, "server", found.get_state_display(), found.reason or taken)
    if found.push_type != Push.Type.VOIP:
        return [asked, sent, answer]
    return [asked, sent, answer, _verdict_step(call)]


def _verdict_step(call: Call | None) -> tuple[str, str, str, str]:
    if call is None or call.verdict == "awaited":
        return ("todo", "clock", "Awaited", "until the deadline has surely passed")
    tone = {"handled": "ok", "unhandled": "bad"}.get(call.verdict, "info")
    wake = (
        f"after {call.wake_time.total_seconds():.1f} s" if call.wake_time else call.rule
    )
    return (tone, "device-mobile", call.get_verdict_display(), wake)
