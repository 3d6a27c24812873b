"""TCP connections put together from their segments (RFC 9293), bounded.

Segments may come out of order, again, overlapping, or not at all. Each direction is a flow of
its own; only SIP is kept of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from registrations.formats.packets import Mark
from registrations.formats.stream import Message, Stream

FIN, SYN, RST = 1, 2, 4
#: Directions known at once; one forgotten is joined midway when it goes on.
MOST_FLOWS = 16_384
#: What all flows may hold, and what one may hold behind a gap, and for how long.
MOST_BYTES = 16 * 1024 * 1024
MOST_WAITING_BYTES = 256 * 1024
MOST_WAITING = 64
GAP_MICROS = 5_000_000
#: Sequence numbers this far away, or so long after, belong to another connection.
FAR = 4 * 1024 * 1024
LATER_MICROS = 120_000_000


class Segment(NamedTuple):
    """Payload with its sequence number, and the packet that brought it.

    `missing`: bytes behind it that were sent, but that the capture cut off.
    """

    sequence: int
    payload: bytes
    mark: Mark
    missing: int = 0


@dataclass(slots=True)
class Flow:
    """One direction: the next sequence number, and segments behind a gap."""

    next: int
    stream: Stream
    waiting: list[Segment] = field(default_factory=list)
    waiting_bytes: int = 0
    newest: int | None = None

    @property
    def held(self) -> int:
        return self.waiting_bytes + self.stream.held

    @property
    def position(self) -> int:
        """Of the first packet something is still kept of."""
        marks = [segment.mark[0] for segment in self.waiting]
        return min(marks + ([self.stream.first[0]] if self.stream.held else []))


class Flows:
    """All directions under way. A key is whatever names one: addresses and ports."""

    def __init__(self) -> None:
        self._flows: OrderedDict[bytes, Flow] = OrderedDict()
        #: Of the flows that keep bytes: how many, and since which packet.
        self._held: dict[bytes, int] = {}
        self._since: dict[bytes, int] = {}
        self._held_bytes = 0

    @property
    def oldest(self) -> int | None:
        """Position of the first packet a message is still under way of."""
        return min(self._since.values(), default=None)

    def take(
        self, key: bytes, flags: int, segment: Segment
    ) -> tuple[list[Message], list[Message]]:
        """The messages a segment completes, and those it shows to be lost."""
        flow = self._flows.get(key)
        if flow is not None and _goes_on(flow, flags, segment):
            messages = self._next(key, flow, segment)
            return messages, _given_up(flow) if flow.stream.given_up else []
        return self._any(key, flags, segment)

    def _next(self, key: bytes, flow: Flow, segment: Segment) -> list[Message]:
        """The segment that was expected: most are."""
        self._flows.move_to_end(key)
        flow.newest = segment.mark[1]
        flow.next = (flow.next + len(segment.payload)) & 0xFFFFFFFF
        messages = flow.stream.take(segment.payload, segment.mark)
        if flow.stream.held or key in self._held:
            self._account(key, flow)
        return messages

    def _any(
        self, key: bytes, flags: int, segment: Segment
    ) -> tuple[list[Message], list[Message]]:
        lost: list[Message] = []
        flow = self._flow(key, flags, segment, lost)
        if flags & SYN:
            segment = _behind_syn(segment)
        messages: list[Message] = []
        if segment.payload and not flow.stream.foreign:
            _place(flow, segment, messages, lost)
        flow.newest = segment.mark[1]
        if flags & (FIN | RST) and not flow.waiting:
            self._close(key, lost)
        else:
            self._account(key, flow)
        lost.extend(self._shrink())
        return messages, lost

    def end(self) -> Iterator[tuple[bytes, list[Message], list[Message]]]:
        """What is left when nothing more will come: key, messages, lost ones."""
        for key in list(self._flows):
            messages: list[Message] = []
            lost: list[Message] = []
            while self._flows[key].waiting:
                _give_up(self._flows[key], messages, lost)
            self._close(key, lost)
            yield key, messages, lost

    def _flow(
        self, key: bytes, flags: int, segment: Segment, lost: list[Message]
    ) -> Flow:
        flow = self._flows.get(key)
        is_other = flow is not None and _is_other(flow, flags, segment)
        if is_other:
            self._close(key, lost)
        if flow is None or is_other:
            flow = Flow(segment.sequence, Stream(is_fresh=bool(flags & SYN)))
            if flags & SYN:
                flow.next = (flow.next + 1) & 0xFFFFFFFF
            self._flows[key] = flow
        else:
            self._flows.move_to_end(key)
        return flow

    def _close(self, key: bytes, lost: list[Message]) -> None:
        flow = self._flows.pop(key)
        self._held_bytes -= self._held.pop(key, 0)
        self._since.pop(key, None)
        _skip_gap(flow, 0, lost)

    def _account(self, key: bytes, flow: Flow) -> None:
        held = flow.held
        if held or key in self._held:
            self._held_bytes += held - self._held.pop(key, 0)
            self._since.pop(key, None)
            if held:
                self._held[key], self._since[key] = held, flow.position

    def _shrink(self) -> list[Message]:
        lost: list[Message] = []
        while len(self._flows) > MOST_FLOWS:
            self._close(next(iter(self._flows)), lost)
        while self._held_bytes > MOST_BYTES:
            self._close(next(iter(self._held)), lost)
        return lost


def _goes_on(flow: Flow, flags: int, segment: Segment) -> bool:
    return (
        segment.sequence == flow.next
        and not flow.waiting
        and not segment.missing
        and not flags & (FIN | SYN | RST)
    )


def _behind_syn(segment: Segment) -> Segment:
    """SYN takes a sequence number of its own (RFC 9293 §3.4)."""
    return segment._replace(sequence=(segment.sequence + 1) & 0xFFFFFFFF)


def _distance(flow: Flow, sequence: int) -> int:
    """How far ahead of what was read; negative for bytes that were read."""
    ahead = (sequence - flow.next) & 0xFFFFFFFF
    return ahead if ahead < 0x80000000 else ahead - 0x100000000


def _is_other(flow: Flow, flags: int, segment: Segment) -> bool:
    """True when the ports serve another connection now."""
    if flags & SYN:
        return _distance(flow, segment.sequence) != -1
    if not segment.payload:
        return False
    distance = _distance(flow, segment.sequence)
    if abs(distance) > FAR:
        return True
    micros, newest = segment.mark[1], flow.newest
    is_later = None not in (micros, newest) and abs(micros - newest) > LATER_MICROS
    return is_later and distance + len(segment.payload) <= 0


def _place(
    flow: Flow, segment: Segment, messages: list[Message], lost: list[Message]
) -> None:
    distance = _distance(flow, segment.sequence)
    if distance <= 0:
        _append(flow, segment, -distance, messages, lost)
        _catch_up(flow, messages, lost)
        return
    flow.waiting.append(segment)
    flow.waiting.sort(key=lambda one: _distance(flow, one.sequence))
    flow.waiting_bytes += len(segment.payload)
    while flow.waiting and _is_hopeless(flow, segment.mark[1]):
        _give_up(flow, messages, lost)


def _append(
    flow: Flow,
    segment: Segment,
    known: int,
    messages: list[Message],
    lost: list[Message],
) -> None:
    """The segment's bytes go on where the flow ends; the first `known` were read."""
    fresh = segment.payload[known:] if known else segment.payload
    if not fresh:
        return
    flow.next = (flow.next + len(fresh) + segment.missing) & 0xFFFFFFFF
    messages.extend(flow.stream.take(fresh, segment.mark))
    lost.extend(_given_up(flow))
    if segment.missing:
        _skip_gap(flow, segment.missing, lost)


def _given_up(flow: Flow) -> list[Message]:
    given_up, flow.stream.given_up = flow.stream.given_up, []
    return given_up


def _skip_gap(flow: Flow, size: int, lost: list[Message]) -> None:
    under_way = flow.stream.gap(size)
    if under_way is not None:
        lost.append(under_way)


def _catch_up(flow: Flow, messages: list[Message], lost: list[Message]) -> None:
    """Waiting segments that follow without a gap now."""
    while flow.waiting:
        distance = _distance(flow, flow.waiting[0].sequence)
        if distance > 0:
            return
        segment = flow.waiting.pop(0)
        flow.waiting_bytes -= len(segment.payload)
        _append(flow, segment, -distance, messages, lost)


def _is_hopeless(flow: Flow, now: int | None) -> bool:
    """True when the missing segment will not come any more."""
    since = min((one.mark[1] or 0 for one in flow.waiting), default=0)
    return (
        len(flow.waiting) > MOST_WAITING
        or flow.waiting_bytes > MOST_WAITING_BYTES
        or (now is not None and now - since > GAP_MICROS)
    )


def _give_up(flow: Flow, messages: list[Message], lost: list[Message]) -> None:
    """Go on behind the gap."""
    sequence = flow.waiting[0].sequence
    _skip_gap(flow, _distance(flow, sequence), lost)
    flow.next = sequence
    _catch_up(flow, messages, lost)
