"""How far each log of a feed was read, and so how far the feed was. Pure.

A proof may stand in any of the logs: the feed was read as far as the one that is furthest
behind. A log with nothing to read for longer than the heartbeat holds the others no more.
"""

from __future__ import annotations

from datetime import datetime


class Progress:
    """The newest moment of each log; `until` is the feed's."""

    def __init__(self) -> None:
        self._moments: dict[str, datetime | None] = {}
        self._resting: set[str] = set()

    @property
    def newest(self) -> datetime | None:
        """The newest moment of any log."""
        return max((at for at in self._moments.values() if at), default=None)

    @property
    def until(self) -> datetime | None:
        """How far the feed was read; None while a log that counts has shown no moment."""
        counting = [at for log, at in self._moments.items() if log not in self._resting]
        if not counting:
            return self.newest
        return None if None in counting else min(counting)

    def expect(self, log: str) -> None:
        """This log is to be read, and counts from now on."""
        self._moments.setdefault(log, None)

    def note(self, log: str, at: datetime) -> None:
        """A record of this moment was read in the log."""
        known = self._moments.get(log)
        self._moments[log] = at if known is None else max(known, at)

    def rest(self, log: str, *, is_resting: bool) -> None:
        """Whether the log has had nothing to read for too long to count."""
        (self._resting.add if is_resting else self._resting.discard)(log)

    def drop(self, log: str) -> None:
        """The log is gone for good."""
        self._moments.pop(log, None)
        self._resting.discard(log)
