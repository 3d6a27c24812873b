"""HEP packets → the intake of their feed. The listener's thread receives; this one writes."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from registrations.feeds import note_trouble, open_feed, open_stream
from registrations.formats.hep import SIP, HepError, decode
from registrations.formats.hepfile import records_of
from registrations.formats.record import Pulse, Record
from registrations.formats.wire import Hop, Wire, moment
from registrations.gaps import note_gap
from registrations.intake import Intake, Piece
from registrations.models import Feed, Gap, LogFile
from registrations.sources.hep_gate import Gate
from registrations.sources.hep_listener import Listener, Packet, kernel_drops

logger = logging.getLogger(__name__)

#: Packets in one transaction, and how long fewer are waited for.
AT_ONCE = 2000
GATHER_SECONDS = 0.1
#: Refused packets are stored this soon.
IDLE_SECONDS = 1.0
RETRY_SECONDS = 2.0
#: Reasons that mean packets were lost, not refused; so long a loss stays a trouble.
LOSSES = ("queue_full", "kernel_full")
LOSS_SECONDS = 60.0


class Listening:
    """Stores what one listener receives as one feed."""

    def __init__(
        self,
        name: str,
        place: str,
        listener: Listener,
        gate: Gate,
        clock: Callable[[], datetime],
    ) -> None:
        self._name, self._place = name, place
        self._listener, self._gate, self._clock = listener, gate, clock
        self._wire = Wire()
        self._feed: Feed | None = None
        self._file: LogFile | None = None
        self._intake: Intake | None = None
        self._position = 0
        #: Up to where a batch went that could not be stored, or of which nobody could say so.
        self._failed_at: int | None = None
        self._refused_before: Counter[str] = Counter()
        self._refused_stored: Counter[str] = Counter()
        self._is_stopping = False
        self._losses, self._lost_at = 0, -LOSS_SECONDS
        self._looked_at = clock()
        #: Nothing was stored since the start: what was sent before it is lost.
        self._is_new = True

    def open(self) -> None:
        """Take the feed. Raises FeedBusy."""
        feed = open_feed(self._name, self._place, kind=Feed.Kind.HEP)
        feed.followed = True
        feed.save(update_fields=["followed"])
        self._file = open_stream(feed, self._place, self._clock())
        self._position = max(self._position, self._file.position)
        self._intake = Intake(feed, live=True, clock=self._clock)
        if self._is_new:
            self._intake.losses.begin(Gap.Why.AWAY)
        if self._feed is None:
            self._refused_before = Counter(feed.refused)
            self._refused_stored = Counter(feed.refused)
        self._feed = feed

    def ask_to_stop(self, *_) -> None:
        """As a signal handler: `run` returns."""
        self._is_stopping = True

    def run(self) -> None:
        """Until asked to stop. Packets wait in the queue while the database is away."""
        while not self._is_stopping:
            self._store(self._gathered())

    def drain(self) -> None:
        """Store what is queued, and nothing more; while the database is away it is lost."""
        while packets := self._listener.take(AT_ONCE, 0.0):
            self._store(packets)

    def _store(self, packets: list[Packet]) -> None:
        records = self._records(packets)
        while not self._stored(records) and not self._is_stopping:
            time.sleep(RETRY_SECONDS)

    def _gathered(self) -> list[Packet]:
        packets = self._listener.take(AT_ONCE, IDLE_SECONDS)
        if 0 < len(packets) < AT_ONCE:
            time.sleep(GATHER_SECONDS)
            packets += self._listener.take(AT_ONCE - len(packets), 0.0)
        return packets

    # Packets → records

    def _records(self, packets: list[Packet]) -> list[Record]:
        records: list[Record] = []
        newest: int | None = None
        for packet in packets:
            micros = self._decoded(packet, records)
            newest = micros if newest is None else max(newest, micros or newest)
        at = moment(newest) if newest is not None else None
        if at is not None:
            records.append(Pulse(position=self._position, at=at))
        return records

    def _decoded(self, packet: Packet, records: list[Record]) -> int | None:
        """Add the records of one packet; its time in µs since 1970, None if refused."""
        try:
            hep = decode(packet.data, packet.arrived)
        except HepError as error:
            self._gate.refused[error.rule] += 1
            return None
        if not self._gate.opens(hep.auth_key):
            return None
        self._position += 1
        micros = hep.micros
        if micros is None:
            micros = round(packet.arrived * 1_000_000)
        if hep.kind == SIP:
            place = hep.protocol, hep.source, hep.source_port, hep.target
            hop = Hop(self._position, micros, *place)
            records.extend(records_of(self._wire, hep, hop))
        return micros

    # Records → rows

    def _stored(self, records: list[Record]) -> bool:
        """False when the database is away: the same records must come again."""
        looked_at = self._clock()
        self._count_kernel_drops()
        refused = self._refused_before + Counter(dict(self._gate.refused))
        if not records and refused == self._refused_stored:
            self._looked_at = looked_at
            return True
        try:
            if self._intake is None:
                self.open()
            # The commit may have been done though its answer was lost.
            is_there = self._failed_at == self._position == self._file.position
            with transaction.atomic():
                if records and not is_there:
                    self._intake.take(self._piece(records))
                self._note_refused(refused, looked_at)
        except DatabaseError as error:
            logger.warning("database away", extra={"why": str(error).strip()})
            connection.close()
            self._intake, self._failed_at = None, self._position
            return False
        self._refused_stored, self._failed_at = refused, None
        self._is_new = self._is_new and not records
        self._looked_at = looked_at
        return True

    def _piece(self, records: list[Record]) -> Piece:
        position = self._position
        return Piece(file=self._file, records=records, position=position, is_fresh=True)

    def _note_refused(self, refused: Counter[str], looked_at: datetime) -> None:
        if refused != self._refused_stored:
            Feed.objects.filter(pk=self._feed.pk).update(refused=dict(refused))
        lost = sum(self._gate.refused[reason] for reason in LOSSES)
        self._note_losses(lost, looked_at)

    def _note_losses(self, lost: int, looked_at: datetime) -> None:
        """A loss is a trouble for a while: noted with each batch, as the next one ends it."""
        now = time.monotonic()
        if lost > self._losses:
            note_gap(self._feed, self._looked_at, looked_at, Gap.Why.PACKETS)
            self._losses, self._lost_at = lost, now
        if lost and now - self._lost_at < LOSS_SECONDS:
            words = f"{lost:,} packets lost since the start: more than can be stored"
            note_trouble(self._feed, words, self._clock())

    def _count_kernel_drops(self) -> None:
        drops = kernel_drops(self._listener.udp) if self._listener.udp else 0
        if drops:
            self._gate.refused["kernel_full"] = drops
