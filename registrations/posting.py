"""Posted lines of a log → the intake of their feed, in one transaction.

A message may lie across two requests: what is not yet a whole record is kept with the feed's
stream and read again in front of the next request, so any web process can take that one.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from registrations.feeds import (
    close_feed,
    note_trouble,
    open_patiently,
    open_stream,
    stamps_of,
    template_of,
)
from registrations.formats import open_format
from registrations.formats.record import Pulse, Record
from registrations.formats.unread import Unread
from registrations.intake import Intake, Piece
from registrations.judging import AHEAD
from registrations.models import Feed, LogFile
from registrations.sources.httpbody import Line

#: How long a request waits for another one of its feed.
PATIENCE_SECONDS = 5.0


def take_in(feed: Feed, lines: list[Line], clock: Callable[[], datetime]) -> int:
    """Store what the lines hold; how many REGISTERs that made. Raises FeedBusy.

    All of them are stored when it returns, none when it raises.
    """
    with _opened(feed.name, feed.path) as opened, transaction.atomic():
        intake = Intake(opened, live=True, clock=clock)
        file = open_stream(opened, opened.path, clock())
        posted = Posted(opened, file, lines, clock())
        piece = posted.piece()
        is_patient = clock() - file.opened_at < opened.heartbeat
        if posted.unread and not opened.register_count and not is_patient:
            intake.trouble = opened.trouble or f"{opened.name}: {posted.unread}"
            note_trouble(opened, intake.trouble, clock())
        intake.take(piece)
        return intake.register_count


@contextmanager
def _opened(name: str, path: str) -> Iterator[Feed]:
    kind, patience = Feed.Kind.HTTP, PATIENCE_SECONDS
    feed = open_patiently(name, path, kind=kind, patience=patience)
    try:
        yield feed
    finally:
        close_feed(feed)


class Posted:
    """The lines of one request behind what the last one left over."""

    def __init__(
        self, feed: Feed, file: LogFile, lines: list[Line], now: datetime
    ) -> None:
        self._file = file
        rest = b64decode(file.state.get("rest", ""))
        self._data = rest + b"".join(line.text for line in lines)
        #: Where each line begins, counted from the file's position, and its time stamp.
        self._starts, self._times = _times(file.state.get("times", []))
        at, stamps = len(rest), stamps_of(feed, lambda: now + AHEAD)
        for line in lines:
            moment = line.moment(stamps)
            if moment is not None:
                self._starts.append(at)
                self._times.append(moment)
            at += len(line.text)
        self._reader = open_format(
            feed.format or None,
            stamps,
            position=file.position,
            template=template_of(feed),
            found=file.format or None,
        )
        position = 0 if feed.format else file.position
        self._unread = Unread(feed.format or file.format or None, position)

    @property
    def unread(self) -> str:
        """What to say where none of the lines look like a log; else empty."""
        return self._unread.words

    def piece(self) -> Piece:
        """The records of it all, and what is left over for the next request."""
        records = [self._timed(one) for one in self._reader.feed(self._data)]
        self._unread.saw(self._data, records, self._reader.form)
        if self._times and not any(isinstance(one, Pulse) for one in records):
            newest = max(self._times)
            records.append(Pulse(position=self._reader.resume_position, at=newest))
        form, position = self._reader.form, self._reader.resume_position
        return Piece(
            file=self._file,
            records=records,
            position=position,
            always_answers=bool(form and form.always_answers),
            marks={"format": form.name if form else "", "state": self._state(position)},
        )

    def _timed(self, record: Record) -> Record:
        """The record, at its line's time stamp where the log itself has none."""
        if not isinstance(record, Pulse) and record.at is None:
            return record._replace(at=self._time_at(record.position))
        return record

    def _time_at(self, position: int) -> datetime | None:
        index = bisect_right(self._starts, position - self._file.position) - 1
        return self._times[index] if index >= 0 else None

    def _state(self, position: int) -> dict:
        left = position - self._file.position
        stamps = zip(self._starts, self._times, strict=True)
        return {
            "rest": b64encode(self._data[left:]).decode(),
            "times": [
                [start - left, at.isoformat()] for start, at in stamps if start >= left
            ],
        }


def _times(stored: list) -> tuple[list[int], list[datetime]]:
    starts = [start for start, _ in stored]
    return starts, [datetime.fromisoformat(at) for _, at in stored]
