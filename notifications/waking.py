"""How fast app versions wake, and how long a SIP proxy should wait for them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

#: Wakes below which a quantile says nothing of its tail.
LEAST_P95, LEAST_P99 = 20, 100
STEP_SECONDS = 5
#: The bars of all versions share one scale, in percent of the slowest.
WIDEST = 100.0


@dataclass(frozen=True, slots=True)
class Wakes:
    """Wake times of one version (of all, where `name` is empty), in seconds."""

    name: str
    version: str
    count: int
    p50: float
    p95: float | None
    p99: float | None
    #: The slowest there is on the page: where the bars end.
    scale: float = 1.0

    @property
    def wait(self) -> int | None:
        """Seconds a proxy should wait for a branch after the push: 99 of 100 phones are back
        by then, in steps of 5. None where too few wakes are known.
        """
        if self.p99 is None:
            return None
        return STEP_SECONDS * max(1, ceil(self.p99 / STEP_SECONDS))

    def _at(self, seconds: float | None) -> float:
        return round(WIDEST * (seconds or 0.0) / self.scale, 1)

    @property
    def middle(self) -> float:
        """Where half of the phones are awake, in percent of the scale."""
        return self._at(self.p50)

    @property
    def most(self) -> float:
        """Where 95 of 100 are."""
        return self._at(self.p95)

    @property
    def tail(self) -> float:
        """Where 99 of 100 are."""
        return self._at(self.p99)


def wakes(name: str, version: str, tenths: Mapping[int, int]) -> Wakes:
    """Of how many woke within so many tenths of a second. Quantiles that so few do not bear
    are left out.
    """
    count = sum(tenths.values())
    return Wakes(
        name,
        version,
        count,
        quantile(tenths, 0.5),
        quantile(tenths, 0.95) if count >= LEAST_P95 else None,
        quantile(tenths, 0.99) if count >= LEAST_P99 else None,
    )


def quantile(tenths: Mapping[int, int], share: float) -> float:
    """Seconds after which that share was awake (nearest rank, up to the next tenth)."""
    wanted, seen = share * sum(tenths.values()), 0
    for tenth in sorted(tenths):
        seen += tenths[tenth]
        if seen >= wanted:
            return tenth / 10
    return 0.0
