"""Two pushes side by side: the same questions asked of both, and where they differ."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import gettext

from notifications.agents import agent_of
from notifications.models import Push
from notifications.push_page import headers_of
from notifications.rule_words import RULES
from notifications.templatetags.pushdash import masked, visible
from notifications.wording import number, outcome_of

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One question with both answers."""

    name: str
    left: str
    right: str

    @property
    def differs(self) -> bool:
        """The answers are not the same."""
        return self.left != self.right


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that belong together."""

    title: str
    rows: list[Row]


def compared(left: Push, right: Push) -> list[Group]:
    """Every group of questions; tokens masked."""
    answers = [_answers(push) for push in (left, right)]
    return [
        Group(title, side_by_side(*(one.get(title, {}) for one in answers)))
        for title in answers[0]
    ]


def side_by_side(left: dict, right: dict) -> list[Row]:
    """One row a name of either side, in the order of the left one. Pure."""
    names = [*left, *(name for name in right if name not in left)]
    return [
        Row(name, _shown(left.get(name)), _shown(right.get(name))) for name in names
    ]


def _shown(value: object) -> str:
    if value in (None, ""):
        return NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(masked(text))


def flat(value: object, name: str = "") -> dict[str, object]:
    """A payload as one level: `aps.alert.loc-key`. Pure."""
    if not isinstance(value, dict):
        return {name: value}
    found: dict[str, object] = {}
    for key, one in value.items():
        found |= flat(one, f"{name}.{key}" if name else key)
    return found


def _answers(push: Push) -> dict[str, dict]:
    call, device = push.sip_call, push.device
    agent = agent_of(device.user_agent)
    ledger = getattr(push.token, "ledger", None)
    attempts = list(push.attempts.all())
    _, words = outcome_of(push)
    return {
        gettext("What became of it"): {
            gettext("Outcome"): words,
            gettext("Verdict"): call and call.get_verdict_display(),
            gettext("Rule"): call and str(RULES.get(call.rule, call.rule)),
            gettext("Woke after"): call and _seconds(call.wake_time),
            gettext("State"): push.get_state_display(),
            gettext("Reason"): push.reason,
        },
        gettext("Device"): {
            "AOR": device.aor,
            "instance-id": device.instance_id,
            gettext("App"): push.app.bundle_id,
            gettext("Version"): agent.version,
            gettext("Phone"): agent.phone,
            gettext("Token"): push.token.masked,
            gettext("Strikes today"): ledger and _strikes(ledger),
        },
        gettext("Way"): {
            gettext("Origin"): push.get_origin_display(),
            gettext("Asked by"): push.requested_by and push.requested_by.get_username(),
            "Call-ID": push.call_id,
            gettext("Queued"): _in_full(push.created_at),
            gettext("Until sent"): push.sent_at
            and _seconds(push.sent_at - push.created_at),
            gettext("Until accepted"): push.accepted_at
            and _seconds(push.accepted_at - push.created_at),
            gettext("Life"): _seconds(push.expires_at - push.created_at),
            gettext("Attempts"): len(attempts),
        },
        gettext("Answers of APNs"): _tries(attempts),
        gettext("Headers"): dict(headers_of(push)) | {"environment": push.environment},
        gettext("Payload"): flat(push.payload),
    }


def _tries(attempts) -> dict[str, str]:
    name = gettext("Attempt %(number)s")
    return {name % {"number": one.number}: one.answer for one in attempts}


def _in_full(moment: datetime) -> str:
    told = f"{localtime(moment):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    return f"{told} {get_current_timezone_name()}"


def _seconds(span) -> str:
    return f"{number(span.total_seconds(), 2)} s" if span is not None else ""


def _strikes(ledger) -> str:
    numbers = {"done": ledger.strikes, "all": ledger.threshold}
    return gettext("%(done)s of %(all)s") % numbers
