"""Protect mode: when a VoIP push is held back, for iOS would punish another one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the ledger of a voip token says just now.

    `opened_at`: when somebody last opened the app since the last strike. `trials`: Call-IDs
    of pushes that went out after the last strike and have no verdict yet.
    """

    strikes: int
    threshold: int
    is_released: bool = False
    last_strike_at: datetime | None = None
    opened_at: datetime | None = None
    trials: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Protection:
    """Whether a VoIP push is held, and the rule that says so."""

    holds: bool
    rule: str

    @property
    def words(self) -> str:
        """The rule, on the pages."""
        return str(WORDS[self.rule])


#: rule → what it means, on the pages.
WORDS = {
    "off": _("Too few strikes for protect mode."),
    "released": _("The release time is over: the next call is the trial."),
    "opened": _(
        "The app was opened since the last strike: the next call is the trial."
    ),
    "trial": _("It is of the call that is the trial."),
    "trial_waits": _("A trial is under way; its verdict decides."),
    "held": _("One more unhandled push may make iOS stop waking the app."),
}


def protection(standing: Standing, call_id: str) -> Protection:
    """Whether the VoIP push of this call is held (APNS.md A6, PRODUCT.md's states).

    From one strike below the threshold on, until a new token, a reinstall or a person ends
    the run; after the release time, and once the app was opened, one call goes out as a trial.
    """
    if standing.strikes < max(1, standing.threshold - 1):
        return Protection(False, "off")
    if call_id in standing.trials:
        return Protection(False, "trial")
    if standing.trials:
        return Protection(True, "trial_waits")
    if standing.is_released:
        return Protection(False, "released")
    last, opened = standing.last_strike_at, standing.opened_at
    if last is not None and opened is not None and opened > last:
        return Protection(False, "opened")
    return Protection(True, "held")
