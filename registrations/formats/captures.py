"""Which of the binary formats a file has, by its first bytes (no text begins like that)."""

from __future__ import annotations

from collections.abc import Callable

from registrations.formats.capturefile import CaptureFile
from registrations.formats.hep import MAGIC as HEP3
from registrations.formats.hepfile import HepFile, is_record
from registrations.formats.pcap import MAGICS, Pcap
from registrations.formats.pcapng import ORDERS, SECTION, Pcapng

#: Name → maker of a reader: (position, first bytes of the file where position is not 0).
CAPTURES: dict[str, Callable[[int, bytes], CaptureFile]] = {
    "pcap": Pcap,
    "pcapng": Pcapng,
    "hep": HepFile,
}
#: So many bytes decide.
DECISIVE = 16
#: The first four bytes there may be; a HEP record begins with a length below 2**16.
BEGINNINGS = (*MAGICS, SECTION, HEP3)


def capture_of(head: bytes) -> str | None:
    """The name of the format these first bytes belong to, or None."""
    if head[:4] in MAGICS:
        return "pcap"
    if head[:4] == SECTION and head[8:12] in ORDERS:
        return "pcapng"
    if head[:4] == HEP3 or is_record(head):
        return "hep"
    return None


def may_be_capture(head: bytes) -> bool:
    """True while more bytes must tell."""
    if len(head) >= DECISIVE:
        return False
    return head[:2] in (b"\0", b"\0\0", b"") or any(
        one.startswith(head[:4]) for one in BEGINNINGS
    )
