"""What the folding of a feed must remember over a restart: a page a batch, dropped when old.

Appending what changed costs the same for every batch, however much is remembered.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from registrations.folding import MOST_ROUNDS, ROUND, Rounds
from registrations.models import Feed, RoundPage


class Memory:
    """The rounds of one feed and their pages; `save` inside the batch's transaction."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.rounds = Rounds()
        self._pages: deque[tuple[int, datetime | None, int]] = deque()
        for page in RoundPage.objects.filter(feed=feed).order_by("id"):
            rounds = page.rounds.split("\n")
            self.rounds.restore(rounds)
            self._pages.append((page.pk, page.until, len(rounds)))

    def save(self, newest: datetime | None, until: datetime | None) -> None:
        """Write what changed; `newest`: the newest moment of any log, `until`: the moment
        that every log has come to, both None where there are no times.
        """
        changes = self.rounds.changes()
        self.rounds.forget(until)
        if not changes:
            return
        page = RoundPage.objects.create(
            feed=self._feed, until=newest, rounds="\n".join(changes)
        )
        self._pages.append((page.pk, newest, len(changes)))
        old = self._outlived(until)
        if old:
            RoundPage.objects.filter(feed=self._feed, pk__lte=old).delete()

    def _outlived(self, now: datetime | None) -> int | None:
        """The newest page nobody needs any more; those before it are older still."""
        outlived = None
        total = sum(count for *_, count in self._pages)
        while self._pages:
            pk, until, count = self._pages[0]
            is_over = now and until and now - until > 2 * ROUND
            if not is_over and total - count < MOST_ROUNDS:
                break
            outlived, total = pk, total - count
            self._pages.popleft()
        return outlived
