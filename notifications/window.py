"""How many tries a worker may have under way: as many as APNs answers soon.

What is sent beyond that only waits there, and where it waits longer than its deadline nobody
knows any more whether a phone rang. Like TCP's window it grows with each answer that comes
soon and is halved by late ones (RFC 5681 §3.1).
"""

from __future__ import annotations

from collections.abc import Collection

FIRST, LEAST, MOST = 100, 20, 800
#: Later than this an answer shows that too much is under way; deadlines are longer.
LATE_SECONDS = 1.0


class Window:
    """The window of one drain."""

    def __init__(self) -> None:
        self.size = FIRST

    def room(self, under_way: int) -> int:
        """How many may be begun now; 0 until half of the window is free, for few large
        claims cost less than many small ones.
        """
        free = self.size - under_way
        return free if 2 * free >= self.size else 0

    def learn(self, seconds: Collection[float]) -> None:
        """These tries ended, each after so long."""
        if any(one > LATE_SECONDS for one in seconds):
            self.size = max(LEAST, self.size // 2)
        else:
            self.size = min(MOST, self.size + len(seconds))
