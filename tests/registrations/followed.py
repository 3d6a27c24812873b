"""A followed feed in this process, by a clock of the test's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from registrations.feeds import Told, close_feed
from registrations.following import Follower
from registrations.models import Feed, Registration
from registrations.sources.named import growing_logs_of
from tests.registrations.logs import MORNING, FlexisipLog, contact, register


def lines(*numbers: int, second: float | None = None) -> bytes:
    """An exchange a number: the REGISTER of a phone of its own, answered 200."""
    log = FlexisipLog()
    for number in numbers:
        at, key = number if second is None else second, f"0x{number:x}"
        log.request(at, person(number), key).reply(at + 0.001, 200, key)
    return log.bytes


def person(number: int) -> str:
    """The REGISTER of a phone of its own."""
    return register(
        call_id=f"call-{number}",
        aor=f"sip:user{number}@example.org",
        contacts=(contact(voip=f"{number:064x}", remote=f"{number + 10**6:064x}"),),
    )


class Followed:
    """Follows files or patterns as `ingest --follow --feed proxy` does."""

    def __init__(self, *words: Path | str) -> None:
        self._words = [str(word) for word in words]
        self.now = MORNING + timedelta(hours=1)
        self._follower: Follower | None = None
        self.start()

    def start(self) -> None:
        """From the rows, as after a restart; what was in memory is gone."""
        self.stop()
        self._follower = Follower("proxy", "", Told(), None, lambda: self.now)

    def stop(self) -> None:
        """Let the files go. Nothing is written: as good as killed."""
        if self._follower is not None:
            self._follower.close()
            close_feed(self._follower.feed)

    def take_in(self, seconds: float = 0.0) -> list[int]:
        """Read on, `seconds` later; whose REGISTERs are stored."""
        self.read_on(seconds)
        return stored()

    def read_on(self, seconds: float = 0.0) -> None:
        """Poll until nothing is new, `seconds` later."""
        self.now += timedelta(seconds=seconds)
        self._follower.sync(growing_logs_of(self._words))
        quiet = 0
        # A tail lets go of a file in one poll and opens the next in another.
        while quiet < 3:
            quiet = 0 if self._follower.poll() else quiet + 1

    @property
    def seen_until(self) -> float | None:
        """Seconds of the log that were read."""
        until = Feed.objects.get().seen_until
        return until and (until - MORNING).total_seconds()

    @property
    def trouble(self) -> tuple[str, datetime | None]:
        feed = Feed.objects.get()
        return feed.trouble, feed.trouble_since


def stored() -> list[int]:
    """The numbers of the phones whose REGISTERs are stored, in the order of their rows."""
    calls = Registration.objects.order_by("id").values_list("call_id", flat=True)
    return [int(call.removeprefix("call-")) for call in calls]
