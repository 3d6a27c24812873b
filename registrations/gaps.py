"""Times of which a feed may have lost what was written: then its silence proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from registrations.formats.record import Pulse
from registrations.hearing import Heard
from registrations.models import Feed, Gap

#: Since when, of a feed that is read for the first time and shows no past.
EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Losses:
    """What may be lost of one feed; becomes a row with the first record read behind it."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._open: dict[str, tuple[datetime, Gap.Why]] = {}

    def begin(self, why: Gap.Why, log: str = "") -> None:
        """From what was read last of the feed to the next record of `log`."""
        self._open.setdefault(log, (self._feed.seen_until or EVER, why))

    def end(self, log: str, records: Sequence[object]) -> None:
        """Inside the batch's transaction: these records of `log` were read next."""
        if log not in self._open:
            return
        # A pulse tells of many lines at once.
        moments = [one.at for one in records if isinstance(one, Pulse)]
        if moments:
            asked = (one.request.at for one in records if isinstance(one, Heard))
            moments += [at for at in asked if at is not None]
            since, why = self._open.pop(log)
            # As wide as the feed's clock may be off.
            skew = self._feed.skew
            ahead, behind = max(skew, timedelta()), max(-skew, timedelta())
            note_gap(self._feed, since - ahead, min(moments) - ahead + behind, why)


def note_gap(feed: Feed, since: datetime, until: datetime, why: Gap.Why) -> None:
    """Store a gap, its ends by our clock; one that goes on is one row."""
    if since >= until:
        return
    before = feed.gaps.filter(why=why, until__gte=since).order_by("-until").first()
    if before is None:
        feed.gaps.create(since=since, until=until, why=why)
        return
    before.since, before.until = min(before.since, since), max(before.until, until)
    before.save(update_fields=["since", "until"])
