"""HEP packets from UDP and TCP sockets, read by a thread of its own. No Django here.

The thread only receives, sorts out and queues: what is slow behind it never makes the kernel
drop packets. The queue is bounded; what does not fit is lost and counted.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass

from registrations.formats.hep import HepError
from registrations.formats.hepstream import HEAD_BYTES, LONGEST_PACKET, packet_size
from registrations.sources.hep_gate import Gate

logger = logging.getLogger(__name__)

#: Bytes in the queue: at 1 KB a packet and 10,000 a second, some seconds of a stalled database.
MOST_QUEUED_BYTES = 64 * 1024 * 1024
BUFFER_BYTES = 32 * 1024 * 1024
LEAST_BUFFER_BYTES = 4 * 1024 * 1024
MOST_CONNECTIONS = 256
#: A silent TCP sender is asked whether it is still there after so long.
KEEPALIVE_SECONDS = 60
#: Datagrams read before other sockets have their turn.
AT_ONCE = 256
#: Of packets that are none of ours one in so many seconds is let through, for its time.
PULSE_SECONDS = 0.2
SO_RCVBUFFORCE = 33
POLL_SECONDS = 0.2
#: How soon another thread must let this one run: the kernel's buffer is small.
SWITCH_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as received, `arrived` in s since 1970."""

    data: bytes
    arrived: float


class Listener(threading.Thread):
    """Receives until stopped. Raises OSError when an address cannot be bound."""

    def __init__(
        self,
        gate: Gate,
        *,
        udp: tuple[str, int] | None,
        tcp: tuple[str, int] | None,
        most_queued_bytes: int = MOST_QUEUED_BYTES,
    ) -> None:
        super().__init__(name="hep-listener", daemon=True)
        self._gate, self._most_queued_bytes = gate, most_queued_bytes
        self._selector = selectors.DefaultSelector()
        self._queue: deque[Packet] = deque()
        self._queued_bytes = 0
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._is_stopped = False
        self._buffers: dict[socket.socket, bytearray] = {}
        self._pulse_due = 0.0
        self.received = 0
        self.udp = _bound(udp, socket.SOCK_DGRAM) if udp else None
        self.tcp = _bound(tcp, socket.SOCK_STREAM) if tcp else None
        if self.udp is not None:
            _enlarge(self.udp)
            self._selector.register(self.udp, selectors.EVENT_READ, self._datagrams)
        if self.tcp is not None:
            self.tcp.listen(64)
            self._selector.register(self.tcp, selectors.EVENT_READ, self._accept)

    # For the other side of the queue

    def take(self, most: int, timeout_seconds: float) -> list[Packet]:
        """Packets that came, at least one unless the time is over."""
        self._filled.wait(timeout_seconds)
        with self._lock:
            count = min(most, len(self._queue))
            taken = [self._queue.popleft() for _ in range(count)]
            self._queued_bytes -= sum(len(packet.data) for packet in taken)
            if not self._queue:
                self._filled.clear()
        return taken

    def stop(self) -> None:
        """Receive no more; what is queued can still be taken."""
        self._is_stopped = True
        if self.is_alive():
            self.join(5)
        for link in [*self._buffers, self.udp, self.tcp]:
            if link is not None:
                link.close()

    # The thread

    def run(self) -> None:
        """Serve the sockets."""
        sys.setswitchinterval(SWITCH_SECONDS)
        while not self._is_stopped:
            for key, _ in self._selector.select(POLL_SECONDS):
                try:
                    key.data(key.fileobj)
                except OSError as error:
                    logger.warning("HEP socket failed", extra={"why": str(error)})

    def _datagrams(self, link: socket.socket) -> None:
        kept: list[Packet] = []
        count, now = 0, time.time()
        with contextlib.suppress(BlockingIOError):
            for _ in range(AT_ONCE):
                data, sender = link.recvfrom(LONGEST_PACKET)
                count += 1
                if self._gate.admits(sender[0]) and self._is_ours(data):
                    kept.append(Packet(data, now))
        self.received += count
        self._put(kept)

    def _is_ours(self, data: bytes) -> bool:
        """Cheap: SIP that is nothing of a REGISTER or a call is not even decoded.

        What does not look like SIP may be packed, or a lie: it is decoded.
        """
        if b"REGISTER" in data or b"INVITE" in data or b"BYE sip" in data:
            return True
        if b"SIP/2.0" not in data:
            return True
        now = time.monotonic()
        if now < self._pulse_due:
            return False
        self._pulse_due = now + PULSE_SECONDS
        return True

    def _put(self, packets: list[Packet]) -> None:
        if not packets:
            return
        size = sum(len(packet.data) for packet in packets)
        with self._lock:
            has_room = self._queued_bytes + size <= self._most_queued_bytes
            if has_room:
                self._queue.extend(packets)
                self._queued_bytes += size
                self._filled.set()
        if not has_room:
            self._gate.refused["queue_full"] += len(packets)

    # TCP

    def _accept(self, server: socket.socket) -> None:
        link, sender = server.accept()
        is_admitted = self._gate.admits(sender[0])
        if is_admitted and len(self._buffers) >= MOST_CONNECTIONS:
            self._gate.refused["too_many_connections"] += 1
            is_admitted = False
        if not is_admitted:
            link.close()
            return
        link.setblocking(False)
        # A sender whose host went down says nothing more, and would keep its place for ever.
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        self._buffers[link] = bytearray()
        self._selector.register(link, selectors.EVENT_READ, self._stream)

    def _stream(self, link: socket.socket) -> None:
        if self._queued_bytes > self._most_queued_bytes // 2:
            # A TCP sender can wait: its packets need not be lost.
            time.sleep(SWITCH_SECONDS)
            return
        try:
            data = link.recv(LONGEST_PACKET)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        buffer = self._buffers[link]
        buffer += data
        if not data:
            self._gate.refused["tcp_cut"] += bool(buffer)
            self._forget(link)
        elif reason := self._frames(buffer):
            self._gate.refused[reason] += 1
            logger.warning("HEP connection refused", extra={"why": reason})
            self._forget(link)

    def _frames(self, buffer: bytearray) -> str:
        """Queue the whole packets; the reason when what follows is none."""
        kept, at, now = [], 0, time.time()
        while len(buffer) - at >= HEAD_BYTES:
            try:
                size = packet_size(buffer, at)
            except HepError as error:
                self._put(kept)
                return error.rule
            if size is None or len(buffer) - at < size:
                break
            packet = bytes(buffer[at : at + size])
            at += size
            self.received += 1
            if self._is_ours(packet):
                kept.append(Packet(packet, now))
        del buffer[:at]
        self._put(kept)
        return ""

    def _forget(self, link: socket.socket) -> None:
        self._selector.unregister(link)
        del self._buffers[link]
        link.close()


def _bound(address: tuple[str, int], kind: socket.SocketKind) -> socket.socket:
    host, port = address
    family, _, _, _, place = socket.getaddrinfo(host, port, type=kind)[0]
    link = socket.socket(family, kind)
    if kind is socket.SOCK_STREAM:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        link.bind(place)
    except OSError:
        link.close()
        raise
    link.setblocking(False)
    return link


def _enlarge(link: socket.socket) -> None:
    """As much receive buffer as the kernel gives: beyond rmem_max only to root."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    with contextlib.suppress(PermissionError):
        link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    given = link.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    if given < LEAST_BUFFER_BYTES:
        facts = {"bytes": given, "advice": "sysctl net.core.rmem_max=33554432"}
        logger.warning("small receive buffer", extra=facts)


def kernel_drops(link: socket.socket) -> int:
    """Datagrams the kernel threw away for this socket since it was opened (Linux)."""
    table = "/proc/net/udp6" if link.family == socket.AF_INET6 else "/proc/net/udp"
    port = f":{link.getsockname()[1]:04X}"
    try:
        with open(table) as rows:
            lines = [row.split() for row in rows]
    except FileNotFoundError:
        return 0
    return sum(int(row[-1]) for row in lines[1:] if row[1].endswith(port))
