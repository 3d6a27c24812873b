"""How far a feed's clock stands from ours, measured from the traffic itself. Pure.

A record that is read as soon as it is written has a moment (the feed's clock) and a moment of
reading (ours). Nothing is read before it was written, so a record from the future proves a
clock that is ahead. A record from the past proves less: its clock is behind by that much at
most, the rest is the way to us; the quickest record of a while comes nearest.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta

#: The quickest record of each span counts, over so many spans (5 minutes).
SPAN = timedelta(seconds=10)
SPANS = 30
#: Fewer spans say nothing: a start reads what was written hours ago.
FEWEST = 4
#: One record in so many spans may carry an impossible time and move nothing.
ODD_ONE_IN = 4
#: A feed still further behind is late, not wrong: the watermark waits for it.
FARTHEST_BEHIND = timedelta(seconds=60)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Skew:
    """Collects what was read; says the feed's clock less ours."""

    def __init__(self) -> None:
        self._delays: OrderedDict[int, timedelta] = OrderedDict()

    def note(self, moment: datetime, read_at: datetime) -> None:
        """A record of `moment` was read at `read_at`, as soon as it was there."""
        span, delay = (read_at - EPOCH) // SPAN, read_at - moment
        quickest = self._delays.setdefault(span, delay)
        self._delays[span] = min(quickest, delay)
        while len(self._delays) > SPANS:
            self._delays.popitem(last=False)

    def measured(self) -> timedelta | None:
        """Positive: ahead by that much. Negative: behind by that much at most. None: too
        little was read to say.
        """
        if len(self._delays) < FEWEST:
            return None
        # The lower quartile, not the least: a single wrong time stamp is no clock.
        delays = sorted(self._delays.values())
        delay = delays[len(delays) // ODD_ONE_IN]
        return max(-delay, -FARTHEST_BEHIND)
