"""Regressions of app releases in words, for Live and Fleet. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.models import RegressionAlarm
from notifications.proportions import Tally
from notifications.wording import number

MEANINGS = {
    "release": _(
        "Calls to this release go unhandled while other versions are well: suspect the "
        "build. Stop its rollout, and look at one of its phones."
    ),
    "platform": _(
        "Every version rose at once, so no release is to blame: look at the push "
        "credential, at Apple's system status and at what changed in the proxy."
    ),
    "unclear": _(
        "It is the only version in use, so nothing tells whether the build or the platform "
        "is to blame."
    ),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """A regression as it is told: `6.2.1: 4.8 % → 31 % (n = 412)`."""

    row: RegressionAlarm

    @property
    def now(self) -> Tally:
        """Lately."""
        return Tally(self.row.now_unhandled, self.row.now_judged)

    @property
    def before(self) -> Tally:
        """What it is compared with."""
        return Tally(self.row.before_unhandled, self.row.before_judged)

    @property
    def words(self) -> str:
        """What rose, from what to what, of how many calls."""
        who = f"{self.row.name} {self.row.version}".strip()
        if self.row.kind == RegressionAlarm.Kind.PLATFORM:
            who = gettext("All versions of %(app)s") % {"app": self.row.name}
        rise = f"{self.before.percent} → {self.now.percent}"
        return f"{who}: {rise} (n = {number(self.now.judged)})"

    @property
    def meaning(self) -> str:
        """Whose fault it seems, and what to do."""
        return str(MEANINGS[self.row.kind])


def alarms() -> list[Alarm]:
    """What stands, a bad release before a drop of the platform."""
    rows = sorted(
        RegressionAlarm.objects.all(),
        key=lambda row: (
            RegressionAlarm.Kind.values.index(row.kind),
            -row.since.timestamp(),
        ),
    )
    return [Alarm(row) for row in rows]
