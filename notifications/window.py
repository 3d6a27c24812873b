"""How many tries a worker may have under way: as many as APNs answers soon.

What is sent beyond that only waits there, and where it waits longer than its deadline, or its
connection breaks, nobody knows any more whether a phone rang. Like TCP's window it doubles
each round until something is late or lost, is halved then, and grows slowly from there (RFC
5681 §3.1).
"""

from __future__ import annotations

FIRST, LEAST, MOST = 100, 20, 800
#: An answer that takes longer shows that too much is under way: a call's deadline is 5 s.
LATE_SECONDS = 2.0
#: One in so many that is late or lost is an accident, more are a sign.
ACCIDENT = 20


class Window:
    """The window of one drain."""

    def __init__(self) -> None:
        self.size = FIRST
        self._careful_from = MOST
        self._soon = self._late = 0

    def room(self, under_way: int) -> int:
        """How many may be begun now; 0 until half of the window is free, for few large
        claims cost less than many small ones.
        """
        free = self.size - under_way
        return free if 2 * free >= self.size else 0

    def learn(self, soon: int, late: int) -> None:
        """So many tries ended soon, so many late or without an answer."""
        self._soon += soon
        self._late += late
        if self._late * ACCIDENT > self.size:
            self.size = self._careful_from = max(LEAST, self.size // 2)
        elif self._soon + self._late >= self.size:
            is_careful = self.size >= self._careful_from
            self.size = min(MOST, self.size + self.size // (10 if is_careful else 1))
        else:
            return
        self._soon = self._late = 0
