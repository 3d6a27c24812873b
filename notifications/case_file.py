"""One push as a case file for a ticket: what happened, what it proves, what to do. No token in
clear, whatever line it came in.
"""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.apns import REASONS
from notifications.contact import broken_rules
from notifications.failure_reasons import STATES
from notifications.models import Attempt, Call, Ledger, Push
from notifications.push_page import push as push_page
from notifications.stored_words import told
from notifications.templatetags.pushdash import masked, user_part
from notifications.wording import meaning

UNKNOWABLE = _(
    "Apple reports neither whether the phone showed anything nor whether iOS has stopped "
    "waking the app. Both are inferred from the logs, with the settings named here."
)


def case_of(push: Push, now: datetime) -> dict:
    """The case as plain values, ready for JSON; tokens masked in every text."""
    page = push_page(push, now)
    ledger, call = page["ledger"], push.sip_call
    return _masked(
        {
            "push": _facts(push),
            "written_at": now.isoformat(),
            "outcome": page["words"],
            "verdict": _verdict(page, call),
            "strikes": _strikes(ledger, push),
            "run": _run(ledger, push),
            "last_sign_of_life": _moment_of(ledger and ledger.last_sign_at),
            "timeline": _timeline(push, page),
            "evidence": (call.evidence or _silence(page, call)) if call else None,
            "overturned": [_change(one) for one in page["changes"]],
            "feeds": [
                {"feed": name, "read_until": until and until.isoformat(), "read_to": to}
                for name, until, to in page["feeds"]
            ],
            "next_steps": next_steps(push, call, ledger),
            "settings": page["rules"],
            "what_nobody_knows": str(UNKNOWABLE),
        }
    )


def in_words(push: Push, facts: dict) -> dict:
    """The facts of a case as its page says them; codes are for programs."""
    return facts | {
        "type": push.get_push_type_display(),
        "environment": push.get_environment_display(),
        "origin": push.get_origin_display(),
        "state": push.get_state_display(),
        "reason": masked(told(push.reason)),
    }


def _facts(push: Push) -> dict:
    return {
        "id": str(push.pk),
        "apns_id": push.apns_id,
        "type": push.push_type,
        "aor": push.device.aor,
        "instance_id": push.device.instance_id,
        "user_agent": push.device.user_agent,
        "token": push.token.masked,
        "topic": push.topic,
        "environment": push.environment,
        "call_id": push.call_id,
        "origin": push.origin,
        "requested_by": push.requested_by and push.requested_by.get_username(),
        "resend_of": push.resend_of_id and str(push.resend_of_id),
        "created_at": push.created_at.isoformat(),
        "state": push.state,
        "reason": push.reason,
    }


def _verdict(page: dict, call: Call | None) -> dict | None:
    if call is None:
        return None
    return {
        "verdict": call.verdict,
        "rule": call.rule,
        "why": page["rule"],
        "handle_by": call.handle_by and call.handle_by.isoformat(),
        "wake_seconds": call.wake_time and call.wake_time.total_seconds(),
        "waits_for": [str(one) for one in page["held_by"]],
    }


def _strikes(ledger: Ledger | None, push: Push) -> dict | None:
    if ledger is None or push.push_type != Push.Type.VOIP:
        return None
    what, _ = meaning(ledger, user_part(push.device.aor), broken_rules(push.device))
    return {
        "strikes": ledger.strikes,
        "threshold": ledger.threshold,
        "state": ledger.get_state_display(),
        "meaning": what,
    }


def _run(ledger: Ledger | None, push: Push) -> list[dict]:
    """The strikes of the run, oldest first."""
    if ledger is None or push.push_type != Push.Type.VOIP:
        return []
    return [
        {
            "strike": number,
            "sent_at": row["sent_at"],
            "call_id": row["call_id"],
            "pushes": row["pushes"],
            "witnessed": row["witnessed"],
            "is_this_call": row["call"] == push.sip_call_id,
        }
        for number, row in enumerate(ledger.run, 1)
    ]


def _silence(page: dict, call: Call) -> dict | None:
    """What shows that nothing came: each feed read past the deadline, and to which byte."""
    if call.verdict != Call.Verdict.UNHANDLED or call.handle_by is None:
        return None
    read = [
        {"feed": name, "read_to": to, "read_until": until.isoformat()}
        for name, until, to in page["feeds"]
        if until is not None and until >= call.handle_by
    ]
    return {"kind": "silence", "deadline": call.handle_by.isoformat(), "read": read}


def _moment_of(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _change(change) -> dict:
    return {
        "at": change.at.isoformat(),
        "was": change.verdict,
        "became": change.became,
        "rule": change.became_rule,
    }


def _timeline(push: Push, page: dict) -> list[dict]:
    queued = gettext("Queued by %(origin)s")
    queued %= {"origin": push.get_origin_display().lower()}
    asked = _moment(push.created_at, queued)
    tries = [_try(attempt) for attempt in page["attempts"]]
    seen = [_moment(one.at, one.title, one.place, one.line) for one in page["seen"]]
    again = [
        _moment(other.created_at, gettext("Resent as %(id)s") % {"id": other.pk})
        for other in page["resends"]
    ]
    moments = [asked, *tries, *seen, *again]
    return sorted(moments, key=lambda one: one["at"])


def _moment(at: datetime, what: str, where: str = "pushdash", line: str = "") -> dict:
    return {"at": at.isoformat(), "what": what, "where": where, "line": line}


def _try(attempt: Attempt) -> dict:
    words = gettext("Attempt %(number)s: %(outcome)s")
    outcome = attempt.get_outcome_display().lower()
    words %= {"number": attempt.number, "outcome": outcome}
    return _moment(attempt.ended_at, f"{words} {attempt.answer}".strip(), "APNs")


def next_steps(push: Push, call: Call | None, ledger: Ledger | None) -> list[str]:
    """What to do now, the first thing first. Pure."""
    who = user_part(push.device.aor)
    if push.state in {Push.State.QUEUED, Push.State.SENDING}:
        return [gettext("Wait: it has not ended yet.")]
    if push.state == Push.State.HELD:
        return [
            gettext(
                "Ask %(who)s to open the app once; protect mode then lets calls through."
            )
            % {"who": who}
        ]
    if push.state == Push.State.CANCELLED:
        return [gettext("Nothing: a person withdrew it before it left.")]
    if push.state != Push.State.ACCEPTED:
        known = REASONS.get(push.reason)
        return [gettext(known.remedy) if known else str(STATES[push.state][3])]
    if push.push_type != Push.Type.VOIP:
        return [
            gettext(
                "APNs took it, which proves no more. Ask whether a notification was shown; "
                "Focus, muted notifications and a phone that is off all look like this."
            )
        ]
    return _after_the_call(call, ledger, who, broken_rules(push.device))


def _after_the_call(
    call: Call | None, ledger: Ledger | None, who: str, broken: list[str]
) -> list[str]:
    if call is None or call.verdict == Call.Verdict.AWAITED:
        return [
            gettext("Wait: the verdict comes when the logs are read past the deadline.")
        ]
    if call.verdict == Call.Verdict.UNHANDLED:
        _, then = meaning(ledger, who, broken)
        steps = [then] if then else []
        return [
            *steps,
            gettext(
                "Ask whether the phone of %(who)s was on and online at that moment."
            )
            % {"who": who},
            gettext(
                "Send a remote test push before any VoIP push: it cannot add a strike."
            ),
        ]
    if call.verdict == Call.Verdict.HANDLED:
        return [
            gettext(
                "The app ran. If the phone did not ring, look at the INVITE and its "
                "answers in the proxy's log, and at what the app told CallKit."
            )
        ]
    return [
        gettext(
            "Nothing follows from this push: it was not counted. Judge by another one."
        )
    ]


def _masked(value):
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: _masked(one) for key, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list) else value
