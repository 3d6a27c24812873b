"""IP datagrams put together from their fragments (RFC 791 §3.2, RFC 8200 §4.5), bounded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from registrations.formats.packets import Mark, Packet

#: Datagrams under way at once, and what all of them may hold.
MOST_DATAGRAMS = 256
MOST_BYTES = 8 * 1024 * 1024
LONGEST = 65_535
MOST_PIECES = 256
#: RFC 791 gives up after 15 s, RFC 8200 after 60 s; after that an identification comes again.
PATIENCE_MICROS = 60_000_000

Key = tuple[bytes, bytes, int, int]


@dataclass(slots=True)
class Datagram:
    """Pieces by offset. `total`: bytes, once the last is there. `first`: the packet that
    dates it.
    """

    first: Mark
    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int = 0
    total: int | None = None


class Fragments:
    """Holds pieces until a datagram is whole."""

    def __init__(self) -> None:
        self._open: OrderedDict[Key, Datagram] = OrderedDict()
        self._size = 0

    @property
    def oldest(self) -> int | None:
        """Position of the first packet still waited with, None when nothing is."""
        return min((one.first[0] for one in self._open.values()), default=None)

    def add(
        self, packet: Packet, piece: bytes, mark: Mark
    ) -> tuple[Packet, bytes, Mark] | None:
        """The whole datagram this piece completes: a packet, its payload, and the packet
        record that held the transport header. None: there is more to come.
        """
        ident, offset, more = packet.fragment
        if packet.missing or offset + len(piece) > LONGEST or (more and not piece):
            return None
        key = packet.source, packet.target, packet.protocol, ident
        whole = self._datagram(key, mark)
        if offset not in whole.pieces:
            whole.pieces[offset] = piece
            whole.size += len(piece)
            self._size += len(piece)
        if offset == 0:
            whole.first = mark
        if not more:
            whole.total = offset + len(piece)
        payload = _joined(whole)
        if payload is not None or len(whole.pieces) > MOST_PIECES:
            self._drop(key)
        self._shrink()
        if payload is None:
            return None
        joined = packet._replace(start=0, end=len(payload), fragment=None)
        return joined, payload, whole.first

    def _datagram(self, key: Key, mark: Mark) -> Datagram:
        known = self._open.get(key)
        if known is not None and _is_over(known, mark[1]):
            self._drop(key)
            known = None
        if known is None:
            known = self._open[key] = Datagram(mark)
        return known

    def _drop(self, key: Key) -> None:
        self._size -= self._open.pop(key).size

    def _shrink(self) -> None:
        while len(self._open) > MOST_DATAGRAMS or self._size > MOST_BYTES:
            self._drop(next(iter(self._open)))


def _is_over(known: Datagram, micros: int | None) -> bool:
    if micros is None or known.first[1] is None:
        return False
    return abs(micros - known.first[1]) > PATIENCE_MICROS


def _joined(whole: Datagram) -> bytes | None:
    """The payload when no byte is missing. Where pieces overlap the earlier offset counts."""
    if whole.total is None or whole.size < whole.total:
        return None
    payload = b""
    for offset in sorted(whole.pieces):
        if offset > len(payload):
            return None
        payload += whole.pieces[offset][len(payload) - offset :]
    return payload[: whole.total] if len(payload) >= whole.total else None
