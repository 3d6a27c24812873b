"""All the logs of one feed as they grow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from registrations.feeds import (
    Told,
    end_trouble,
    keep,
    note_trouble,
    open_patiently,
)
from registrations.ingest import CHUNK
from registrations.intake import Intake
from registrations.logfiles import ends_of
from registrations.models import Feed, Gap
from registrations.sources.named import Log
from registrations.tails import Tail

#: Of many logs each gets this much of a batch at least.
LEAST = 256 * 1024
#: So many files of a feed are open at once. Of more logs those that wait at their end are
#: closed, and looked at as often as new files are looked for.
MOST_OPEN = 200
#: A feed that another process reads is waited for this long.
PATIENCE_SECONDS = 15.0


class Follower:
    """One feed and the logs that feed it. Made anew after any trouble with the database."""

    def __init__(
        self,
        name: str,
        shown: str,
        told: Told,
        format: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        """Open the feed; `shown`: where it comes from, for people. Raises FeedBusy."""
        kind = Feed.Kind.FILE
        self.feed = open_patiently(
            name, shown, format, kind=kind, patience=PATIENCE_SECONDS
        )
        keep(self.feed, told)
        self.feed.followed = True
        self.feed.save(update_fields=["followed"])
        self._intake = Intake(self.feed, live=True, clock=clock)
        self._tails: dict[str, Tail] = {}
        #: Those whose files are open, and those with more to read that wait to be opened.
        self._open: dict[str, Tail] = {}
        self._waiting: dict[str, Tail] = {}
        #: Closed, and not because they were read to their end.
        self._failing: dict[str, Tail] = {}
        self._resting: set[str] = set()
        self._has_rested = False
        self._clock = clock

    def sync(self, logs: Iterable[Log]) -> None:
        """These logs feed it now; one that only a pattern found may go."""
        logs = {log.path: log for log in logs}
        self._begin([log for path, log in logs.items() if path not in self._tails])
        for path in self._tails.keys() - logs.keys():
            if path not in self._open or self._tails[path].is_gone:
                self._drop(path)
        for path in self._tails.keys() - self._open.keys() - self._waiting.keys():
            if self._tails[path].has_grown():
                self._waiting[path] = self._tails[path]
            self._rest(path)

    def poll(self) -> bool:
        """Take in what is there; False when nothing was."""
        self._open_waiting()
        size = max(LEAST, CHUNK // max(1, len(self._open)))
        pieces = [tail.read(size) for tail in self._open.values()]
        pieces = [piece for piece in pieces if piece is not None]
        for path, tail in self._open.items():
            self._rest(path)
            self._note_lost(path, tail)
        self._make_room()
        has_rested, self._has_rested = self._has_rested, False
        self._intake.trouble = self._trouble()
        if pieces or has_rested:
            self._intake.take(*pieces)
        elif self._intake.trouble:
            note_trouble(self.feed, self._intake.trouble, self._clock())
        else:
            end_trouble(self.feed)
        return bool(pieces or self._waiting)

    def close(self) -> None:
        """Let the files go; the feed is free when the session ends."""
        for tail in self._open.values():
            tail.close()

    def _begin(self, logs: list[Log]) -> None:
        ends = ends_of(self.feed) if len(logs) > MOST_OPEN else {}
        for log in logs:
            left = None if log.before else ends.get(log.path)
            self._tails[log.path] = Tail(self.feed, log, self._clock, left)
            self._intake.progress.expect(log.path)
            if left is None:
                self._waiting[log.path] = self._tails[log.path]

    def _drop(self, path: str) -> None:
        self._tails.pop(path).close()
        self._open.pop(path, None)
        self._waiting.pop(path, None)
        self._failing.pop(path, None)
        self._resting.discard(path)
        self._intake.progress.drop(path)

    def _open_waiting(self) -> None:
        for path in list(self._waiting)[: MOST_OPEN - len(self._open)]:
            self._open[path] = self._waiting.pop(path)
            self._failing.pop(path, None)

    def _note_lost(self, path: str, tail: Tail) -> None:
        """What comes next of this log is not what follows on what was read of it."""
        if tail.has_lost:
            self._intake.losses.begin(Gap.Why.LOG, path)
            tail.has_lost = False

    def _make_room(self) -> None:
        """For those that wait others give way: read to their end, or not readable."""
        lacking = len(self._waiting) - (MOST_OPEN - len(self._open))
        ready = [
            path for path, tail in self._open.items() if tail.is_at_end or tail.trouble
        ]
        for path in ready[: max(0, lacking)]:
            tail = self._open.pop(path)
            tail.close()
            if tail.trouble:
                self._failing[path] = tail

    def _rest(self, path: str) -> None:
        """Whether this log holds the others no more: one that somebody named always does."""
        is_idle = self._tails[path].log.is_found and self._is_idle(path)
        if is_idle != (path in self._resting):
            (self._resting.add if is_idle else self._resting.discard)(path)
            self._intake.progress.rest(path, is_resting=is_idle)
            self._has_rested = True

    def _is_idle(self, path: str) -> bool:
        return self._tails[path].is_idle(self.feed.heartbeat)

    def _trouble(self) -> str:
        troubles = {
            path: f" {tail.trouble}"
            for path, tail in {**self._open, **self._failing}.items()
            if tail.trouble
        }
        told = {**self._unread(), **self._quiet(), **troubles}
        return "; ".join(
            f"{Path(path).name}{words}" for path, words in sorted(told.items())
        )

    def _unread(self) -> dict[str, str]:
        """Logs that have shown nothing we know for a heartbeat."""
        found = {
            path: tail.unread(self.feed.heartbeat) for path, tail in self._open.items()
        }
        return {path: f": {words}" for path, words in found.items() if words}

    def _quiet(self) -> dict[str, str]:
        """Named logs that hold the others of their feed: what shows there is not theirs."""
        named = [path for path, tail in self._tails.items() if not tail.log.is_found]
        if len(self._tails) == 1:
            return {}
        return {path: " shows nothing new" for path in named if self._is_idle(path)}
