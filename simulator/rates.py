"""How often is too often: pushes to one token, connections of one client."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable


class Rate:
    """At most `most` in any `seconds`, by key; 0 allows all. `clock`: seconds."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._seen: dict[str, deque[float]] = defaultdict(deque)

    def is_passed(self, key: str) -> bool:
        """Count one more of `key`; True when that is too many."""
        if self._most == 0:
            return False
        now, seen = self._clock(), self._seen[key]
        while seen and now - seen[0] >= self._seconds:
            seen.popleft()
        seen.append(now)
        return len(seen) > self._most
