"""What a share of so many says, honestly: Wilson's interval, and whether one is worse. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from django.utils.formats import number_format
from django.utils.translation import gettext

#: Two-sided 95 %.
Z95 = 1.959964
#: One in 2,000 by chance: a few versions are compared, again and again.
Z_SURE = 3.29
#: A rise below this is nobody's alarm, however sure it is.
LEAST_RISE = 0.05


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls that were judged, and those of them that were unhandled."""

    unhandled: int = 0
    judged: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.unhandled + other.unhandled, self.judged + other.judged)

    @property
    def rate(self) -> float:
        """The unhandled share, 0 to 1; 0 where nothing was judged."""
        return self.unhandled / self.judged if self.judged else 0.0

    @property
    def percent(self) -> str:
        """`4.8 %`; from 10 on without decimals: `31 %`."""
        percent = 100 * self.rate
        places = 0 if percent >= 9.95 else 1
        return f"{number_format(round(percent, places), places)} %"

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share, 0 to 1; all of it where nothing was judged."""
        return wilson(self.unhandled, self.judged)

    @property
    def interval_words(self) -> str:
        """`24 to 39 %`"""
        low, high = self.interval
        ends = {"low": f"{100 * low:.0f}", "high": f"{100 * high:.0f}"}
        return gettext("%(low)s to %(high)s %%") % ends


def wilson(hits: int, total: int, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval (E. B. Wilson, 1927): sound for few and for extreme shares."""
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, z * z
    middle = share + square / (2 * total)
    spread = z * sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def is_worse(now: Tally, before: Tally) -> bool:
    """Two-proportion z-test, one-sided, pooled, with Yates' correction for continuity (without
    it small shares of few calls raise three times as many false alarms); and the rise is large
    enough to matter.
    """
    if not now.judged or not before.judged or now.rate - before.rate < LEAST_RISE:
        return False
    pooled = (now + before).rate
    parts = 1 / now.judged + 1 / before.judged
    spread = sqrt(pooled * (1 - pooled) * parts)
    return spread > 0 and (now.rate - before.rate - parts / 2) / spread >= Z_SURE
