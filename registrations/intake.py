"""Records → rows, whatever they were cut out of: a file, HEP packets, an HTTP body.

One transaction moves rows and positions together, so that a crash between two batches loses
and doubles nothing. Knows no file and no socket: a source hands in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from registrations import branches
from registrations.answers import Pairing
from registrations.batch import Batch
from registrations.branches import Branches, plain
from registrations.calling import Calling
from registrations.facts import Judged
from registrations.formats.record import (
    Answer,
    Branch,
    Hangup,
    Pulse,
    PushEnded,
    PushSent,
    Record,
    Response,
    Turned,
    Unreadable,
)
from registrations.gaps import Losses
from registrations.hearing import Heard, heard
from registrations.inbox import Inbox
from registrations.judging import AHEAD, Judging
from registrations.models import Feed, LogFile, Rejected
from registrations.progress import Progress
from registrations.pushlines import Logged, PushLines
from registrations.rejecting import rejected
from registrations.remembering import Memory
from registrations.sip import SipError
from registrations.skew import Skew
from registrations.turns import TURNS
from registrations.waiting import restored, stored

#: What the reader writes of its feed; the rest are settings that people change meanwhile.
READERS_OWN = [
    "shows_answers",
    "shows_times",
    "has_assumed",
    "seen_until",
    "last_read_at",
    "skew",
    "trouble",
    "trouble_since",
    "pending",
    "branches",
    "register_count",
    "rejected_count",
    "push_line_count",
]
SETTINGS = ["assume_accepted", "default_expires", "heartbeat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Records cut out of one file or stream, and from where reading goes on behind them.

    `log`: which of its feed's logs this is a part of. `always_answers`: its format always
    shows the registrar's answer. `is_fresh`: nothing was left to read behind it, so its
    newest record was written just now. `marks`: columns of the file's row that are stored
    with the position. What the requests among the records say may have been read already.
    """

    file: LogFile
    records: list[Record | Heard]
    position: int
    log: str = ""
    always_answers: bool = False
    is_fresh: bool = False
    marks: dict[str, object] = field(default_factory=dict)


class Intake:
    """Takes in what one feed shows, batch by batch. The feed must be open (locked).

    `live`: records are taken in as they are written, so a record without a time is as old
    as its reading.
    """

    def __init__(
        self, feed: Feed, *, live: bool, clock: Callable[[], datetime]
    ) -> None:
        self.feed = feed
        self._live, self._clock = live, clock
        self._pairing = Pairing()
        for item in restored(feed.pending):
            self._pairing.wait(item)
        self._memory = Memory(feed)
        self._branches = Branches(feed.branches)
        self._calls: list[branches.Heard] = []
        self._pushes: list[Logged] = []
        self._skew = Skew()
        self.losses = Losses(feed)
        self._judging = Judging(feed, self._memory.rounds, live=live)
        #: Judged where its log turned into another format: what that shows decides nothing.
        self._judged: list[Judged] = []
        self.progress = Progress()
        #: What is wrong with the feed although a batch could be stored.
        self.trouble = ""
        self.register_count = 0

    def take(self, *pieces: Piece, is_last: bool = False) -> int:
        """Store what the pieces hold; how many REGISTERs that made.

        `is_last`: nothing more will come of this feed, so no answer is waited for where
        the log has no times.
        """
        with TURNS.storing():
            return self._take(pieces, is_last)

    def _take(self, pieces: Sequence[Piece], is_last: bool) -> int:
        read_at = self._clock()
        self.feed.refresh_from_db(fields=SETTINGS)
        refused = [row for piece in pieces for row in self._rejected(piece, read_at)]
        self._measure(pieces, read_at)
        for piece in pieces:
            self._date(piece, read_at)
        self._see_until()
        items = self._concluded(read_at, is_last)
        calls = Calling(self.feed, read_at, self._calls)
        pushes = PushLines(self.feed, read_at, self._pushes)
        with transaction.atomic():
            calls.prepare()
            pushes.prepare()
            news = Batch(self.feed, read_at).write(items) if items else []
            if self.feed.seen_until is not None:
                Batch(self.feed, read_at).settle(self.feed.seen_until)
            calls.write()
            self.feed.push_line_count += pushes.write()
            if refused:
                Rejected.objects.bulk_create(refused, ignore_conflicts=True)
            self._fill_inbox(news, refused, read_at)
            for piece in pieces:
                self.losses.end(piece.log, piece.records)
                self._move(piece)
            self._save(read_at, len(items), len(refused))
        self._calls.clear()
        self._pushes.clear()
        self.register_count += len(items)
        return len(items)

    # Records

    def _rejected(self, piece: Piece, read_at: datetime) -> list[Rejected]:
        """Note every record of the piece; those that could not be read come back."""
        self._judging.always_answers = piece.always_answers
        notes = (self._note(one, piece, read_at) for one in heard(piece.records))
        return [row for row in notes if row is not None]

    def _note(
        self, record: Record | Heard, piece: Piece, read_at: datetime
    ) -> Rejected | None:
        kind, file = type(record), piece.file
        if kind is Heard:
            return self._ask(record, piece, read_at)
        if kind is Answer:
            if self._pairing.answer(record, piece.log):
                self.feed.shows_answers = True
        elif kind is Pulse:
            self._pulse(record.at, piece.log, read_at)
        elif isinstance(record, Branch | Response | Hangup):
            self._note_call(record, file)
        elif isinstance(record, PushSent | PushEnded):
            self._pushes.append(Logged(record, file.pk))
        elif isinstance(record, Unreadable | Turned):
            if kind is Turned:
                self._turn(record, piece, read_at)
            return rejected(
                self.feed, file, record, record.rule, record.detail, read_at
            )
        return None

    def _turn(self, turn: Turned, piece: Piece, read_at: datetime) -> None:
        """What waits for an answer in the format so far gets none."""
        self._judging.always_answers = turn.always_answers
        waiting = self._pairing.concluded(is_last=True)
        self._judged += self._judging.judged(waiting, read_at)
        self._judging.turn(turn)
        self._judging.always_answers = piece.always_answers

    def _note_call(self, record: Branch | Response | Hangup, file: LogFile) -> None:
        record = plain(record)
        if isinstance(record, Branch):
            self._calls += self._branches.sent(record)
        elif isinstance(record, Hangup):
            self._calls.append(branches.Heard(record, file.pk))
        elif (answer := self._branches.answered(record, file.pk)) is not None:
            self._calls.append(answer)

    def _pulse(self, at: datetime, log: str, read_at: datetime) -> None:
        self._pairing.note(at, log)
        self.feed.shows_times = True
        if at <= read_at + AHEAD:
            self.progress.note(log, at)

    def _ask(self, heard: Heard, piece: Piece, read_at: datetime) -> Rejected | None:
        request, said, file = heard.request, heard.said, piece.file
        if isinstance(said, SipError):
            rule, detail = said.rule, said.detail
            return rejected(self.feed, file, request, rule, detail, read_at)
        self._pairing.ask(request, said, file_id=file.pk, log=piece.log)
        return None

    def _concluded(self, read_at: datetime, is_last: bool) -> list[Judged]:
        # Where the log has times, an answer may yet come with the rest of the file.
        is_over = is_last and not self.feed.shows_times
        concluded = self._pairing.concluded(
            is_last=is_over or not self._judging.shows_answers
        )
        items = [*self._judged, *self._judging.judged(concluded, read_at)]
        self._judged.clear()
        self.feed.has_assumed |= any(item.assumed for item in items)
        return items

    def _fill_inbox(
        self, items: list[Judged], rejected: list[Rejected], read_at: datetime
    ) -> None:
        inbox = Inbox(self.feed, read_at)
        for item in items:
            inbox.note(item)
        for row in rejected:
            inbox.reject(row)
        inbox.save()

    # How far was read

    def _measure(self, pieces: Sequence[Piece], read_at: datetime) -> None:
        """The feed's clock, by the newest record of each piece that was read at once."""
        fresh = [piece for piece in pieces if self._live and piece.is_fresh]
        for record in (record for piece in fresh for record in piece.records):
            if isinstance(record, Pulse):
                self._skew.note(record.at, read_at)
        measured = self._skew.measured()
        if measured is not None:
            self.feed.skew = measured

    def _date(self, piece: Piece, read_at: datetime) -> None:
        is_timeless = self._live and not self.feed.shows_times
        if is_timeless and piece.position > piece.file.position:
            # No time in the log, but it is read as it is written: the moment of reading.
            self.progress.note(piece.log, read_at)

    def _see_until(self) -> None:
        until = self.progress.until
        if until is None:
            return
        if self._judging.shows_answers:
            # It stays behind a REGISTER that waits for its answer: that is no row yet.
            until = self._pairing.known_until(until)
        self.feed.seen_until = max(self.feed.seen_until or until, until)

    def _move(self, piece: Piece) -> None:
        file = piece.file
        file.position = piece.position
        for name, value in piece.marks.items():
            setattr(file, name, value)
        file.save()

    def _save(self, read_at: datetime, registers: int, rejected: int) -> None:
        feed = self.feed
        feed.last_read_at = read_at
        feed.register_count += registers
        feed.rejected_count += rejected
        feed.trouble = self.trouble
        feed.trouble_since = feed.trouble_since if self.trouble else None
        feed.pending = stored(self._pairing.waiting)
        feed.branches = self._branches.kept()
        self._memory.save(self.progress.newest, self.progress.until)
        feed.save(update_fields=READERS_OWN)
