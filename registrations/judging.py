"""What became of a REGISTER that was read: accepted, assumed, only heard of, or a copy."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from registrations.answers import Waiting
from registrations.facts import Judged
from registrations.folding import Rounds
from registrations.formats.record import Turned
from registrations.models import Feed
from registrations.sip import made

#: A time stamp further ahead of our clock is wrong, and must not move the watermark.
AHEAD = timedelta(days=1)


class Judging:
    """Judges what one feed shows. `live`: a record without a time is as old as its reading."""

    def __init__(self, feed: Feed, rounds: Rounds, *, live: bool) -> None:
        self._feed, self._rounds, self._live = feed, rounds, live
        #: The format that is read always shows the registrar's answer.
        self.always_answers = False
        #: Of each format that was left whether it showed answers and times.
        self._shown: dict[str, tuple[bool, bool | None]] = {}

    @property
    def shows_answers(self) -> bool:
        """Answers decide."""
        return self._feed.shows_answers or self.always_answers

    def turn(self, turn: Turned) -> None:
        """A log goes on in another format: what that shows is another question."""
        feed = self._feed
        self._shown[turn.own] = feed.shows_answers, feed.shows_times
        shown = self._shown.get(turn.other, (False, None))
        feed.shows_answers, feed.shows_times = shown

    def judged(self, items: Iterable[Waiting], read_at: datetime) -> list[Judged]:
        """What became of each, without the copies."""
        assumes = self._feed.assume_accepted and not self.shows_answers
        latest = read_at + AHEAD
        judged = [self._judge(item, read_at, latest, assumes) for item in items]
        return [item for item in judged if item is not None]

    def _judge(
        self, item: Waiting, read_at: datetime, latest: datetime, assumes: bool
    ) -> Judged | None:
        request, register, status = item.request, item.register, item.status
        at = request.at
        assumed = assumes and status is None
        accepted = assumed or (status is not None and 200 <= status < 300)
        if at is not None and at > latest:
            at = None  # a moment of the far future is none
        estimated = at is None and self._live
        fold = self._rounds.fold(
            register.call_id,
            register.cseq,
            read_at if estimated else at,
            authorized=register.authorized,
            accepted=accepted,
        )
        if fold.is_repeat:
            return None
        place = item.file_id, request.position, fold.moment, estimated
        fate = status, accepted, assumed, fold.is_same, None, fold.is_next
        return made(Judged, (register, request.raw, *place, *fate))
