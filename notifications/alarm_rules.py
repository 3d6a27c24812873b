"""What raises an alarm, for Settings: the numbers are those the alarms themselves use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from notifications.breaker import JUMP_LEAST, JUMP_SHARE, JUMP_WINDOW
from notifications.expiry import STAGES
from notifications.models import AlarmState
from notifications.regression import FLOOR
from notifications.sources import BEHIND

#: Beat looks each half minute: what it said longer ago is not how it is now.
FORGOTTEN = timedelta(minutes=5)
Rule = AlarmState.Rule


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """One alarm: its name, when it begins and ends, and the pages that show it."""

    name: str
    begins: str
    ends: str
    shown: str
    rule: str


@dataclass(frozen=True, slots=True)
class ShownAlarm:
    """The same with how it is now: None where nobody looked lately."""

    rule: AlarmRule
    state: AlarmState | None


def shown_alarms(states: Iterable[AlarmState], now: datetime) -> list[ShownAlarm]:
    """Every alarm, the most urgent first."""
    known = {one.rule: one for one in states if now - one.looked_at < FORGOTTEN}
    return [ShownAlarm(rule, known.get(rule.rule)) for rule in alarm_rules()]


def alarm_rules() -> list[AlarmRule]:
    """What each begins and ends by."""
    live, live_and_settings = _("Live"), _("Live, Settings, the worker's log")
    jump = {
        "least": JUMP_LEAST,
        "share": f"{JUMP_SHARE:.0%}".replace("%", " %"),
        "minutes": round(JUMP_WINDOW.total_seconds() / 60),
    }
    return [
        AlarmRule(
            _("APNs refuses a credential"),
            _("One answer 403. Its pushes wait, and one a minute tries again."),
            _("APNs takes a push again."),
            live_and_settings,
            Rule.CREDENTIAL,
        ),
        AlarmRule(
            _("Tokens of another environment or topic"),
            _(
                "%(least)s tokens and %(share)s of all answered are refused for it "
                "within %(minutes)s minutes."
            )
            % jump,
            _("The share falls."),
            live_and_settings,
            Rule.JUMP,
        ),
        AlarmRule(
            _("A release stopped waking"),
            _(
                "Of %(calls)s judged calls or more, so many more go unhandled than before "
                "that chance does not explain it."
            )
            % {"calls": FLOOR},
            _("Its share is back."),
            _("Live, Fleet"),
            Rule.RELEASE,
        ),
        AlarmRule(
            _("A source is behind or silent"),
            _(
                "By more than %(seconds)s s, or for longer than its heartbeat. Verdicts wait."
            )
            % {"seconds": round(BEHIND.total_seconds())},
            _("It is read up to now."),
            _("Live, Log sources"),
            Rule.SOURCE,
        ),
        AlarmRule(
            _("A certificate ends"),
            _("%(days)s days before.")
            % {"days": ", ".join(map(str, sorted(STAGES)[::-1]))},
            _("Another is stored."),
            live_and_settings,
            Rule.CERTIFICATE,
        ),
        AlarmRule(
            _("A phone is suspected blacklisted"),
            _("Its strikes reach the threshold of its app."),
            _("A handled call, a new VoIP token, a reinstall, or a person."),
            live,
            Rule.SUSPECTED,
        ),
    ]
