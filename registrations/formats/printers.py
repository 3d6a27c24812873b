"""Packets as text: ngrep (byline and wrapped), sipgrep, sngrep's text files, tcpdump's `-A`
and `-X`.

A header line names both ends; what the printer did to the bytes behind it is undone as far
as it can be: a TAB printed as `.` stays one.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from registrations.formats.hexdump import FIRST_LINE, bytes_of
from registrations.formats.stamps import ISO, Stamps
from registrations.formats.syslog import EPOCH
from registrations.formats.wrapped import Envelope, Wrapper

ANSI = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
COLOURS = rb"(?:\x1b\[[0-9;]*[A-Za-z])*"
STAMP = rb"\d{4}[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
END = rb"\[?[0-9A-Za-z.:-]+\]?:\d{1,5}"
#: `U 2026/11/23 19:46:19.491592 A:p -> B:p #1`; sngrep writes no letter in front.
NGREP = re.compile(
    COLOURS
    + rb"(?:(?:proto:)?([UT])(?:DP|CP)?:? )?"
    + COLOURS
    + rb"(?:("
    + STAMP
    # `-T`: since the packet before, which tells no moment.
    + rb")|\+\d+\.\d{6})? *"
    + COLOURS
    + rb"("
    + END
    + rb")"
    + COLOURS
    + rb" -+> "
    + COLOURS
    + END
    + rb"([^\n]*)\n"
)
#: `-W single` and `-W none`: the whole packet in one line, its CR LF as `..`.
ONE_LINE = re.compile(rb"(?:[A-Z]+ +\S+ +SIP/2\.0|SIP/2\.0 \d{3} [^\n]*?)\.\.[A-Za-z]")
BEHIND_ENDS = re.compile(rb"(?: \[[A-Z]+\])?(?: #\d+)? ")
#: sngrep does not say how a packet came: the sender's own Via does (RFC 3261 §18.1.1).
VIA = re.compile(
    rb"\n(?:via|v)[ \t]*:[ \t\r\n]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*(UDP|TCP|TLS|WSS?)[ \t]",
    re.I,
)
#: CR LF printed as `..`, where a header, the end of the message or a folded line follows.
WRAPPED_END = re.compile(
    rb"\.\.(?=[A-Za-z][!-9;-~]*[ .]*:|\.\.|$)|(?<=[>;,\"])\.\.(?=[ .])"
)
#: Columns of a terminal.
WIDEST = 500
#: sipgrep prints the flags of a TCP packet in a line of their own.
FLAGS = re.compile(rb"[\r\n]* \[[A-Z]+\]\r?\n")
#: `-tttt`, `-tt`; `-ttt` and none tell no moment, `-t` nothing; `--nano` has three digits more.
TCPDUMP_TIME = (
    rb"(?:(?:(?P<date>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})"
    rb"|(?P<second>\d{9,11})\.(?P<micro>\d{6})"
    rb"| ?\d\d:\d\d:\d\d\.\d{6})(?:\d{3})? )?"
)
#: `-i any` names the interface, `-e` prints what is in front of the IP header.
LINK = (
    rb"(?:[\w.-]+ +(?:In|Out|P|B|M) +)?(?:(?P<ip>IP6?) |"
    rb"(?:ifindex \d+ )?(?:[0-9a-f]{2}:){5}[0-9a-f]{2}[ ,]"
    rb"[^\n]{0,120}?ethertype (?P<type>IPv[46])(?: \(0x0800\)| \(0x86dd\))?,(?: length \d+:)? )"
)
TCPDUMP = re.compile(
    TCPDUMP_TIME
    + LINK
    + rb"(?:\((?:[^()\n]|\([^()\n]*\))*\)(?:\n +| ))?"
    + rb"(?P<host>\S+)\.(?P<port>\d{1,5}|[a-z][\w-]*) > \S+: [^\n]*\n"
)
#: The first of its lines: in verbose mode the ends stand on the second.
TCPDUMP_LINE = re.compile(TCPDUMP_TIME + LINK + rb"(?:\(|\S+ > )")
#: Bytes of the IP header and behind it of the UDP header: a message further on is a copy
#: inside another packet (HEP).
IP_BYTES = {b"IP": 20, b"IPv4": 20, b"IP6": 40, b"IPv6": 40}
UDP_BYTES = 8
#: Printed in front of them: nothing, or with `-XX` Ethernet's, a VLAN's, Linux SLL2's.
LINK_BYTES = (0, 14, 18, 20)
DECODED = re.compile(rb"(?:\t[^\n]*\n)*")
GLUED = re.compile(rb"(?:REGISTER [^\s]+ SIP/2\.0|SIP/2\.0 \d{3} [^\n]*)\r?\n")
PORTS = {b"sip": b"5060", b"sips": b"5061", b"sip-tls": b"5061"}


class Ngrep(Wrapper):
    """Each line of a packet ends in the `.` that was its CR, or the whole is wrapped."""

    name = "ngrep"
    header = NGREP
    has_ends = True

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def is_one_line(self, line: bytes) -> bool:
        return False

    def unwrap(self, record: bytes) -> Envelope | None:
        header = NGREP.match(record)
        if header is None:
            return None
        text = _unprinted(_packet(header, ANSI.sub(b"", record[header.end() :])))
        return Envelope(
            text=text,
            at=self._moment(header),
            source=_source(_protocol(header[1], text), *_parted(header[3])),
        )

    def moment(self, line: bytes) -> datetime | None:
        header = NGREP.match(line)
        return self._moment(header) if header else None

    def _moment(self, header: re.Match[bytes]) -> datetime | None:
        found = ISO.match(header[2]) if header[2] else None
        return self._stamps.iso(found) if found else None


def _packet(header: re.Match[bytes], behind: bytes) -> bytes:
    """What was printed of a packet: behind its header's line, or in it."""
    behind_ends = BEHIND_ENDS.match(header[4])
    packet = header[4][behind_ends.end() :] if behind_ends else b""
    return packet if ONE_LINE.match(packet) else behind


def _protocol(letter: bytes | None, text: bytes) -> bytes:
    if letter is None and (via := VIA.search(text)) is not None:
        return via[1].lower()
    return b"tcp" if letter == b"T" else b"udp"


def _unprinted(text: bytes) -> bytes:
    flags = FLAGS.match(text)
    text = text[flags.end() :] if flags else text.lstrip(b"\r\n")
    lines = text.split(b"\n")
    if lines[0].endswith(b".\r") or lines[0].startswith(b"  "):
        # These printers never print a CR: the file was passed on with CR LF.
        lines = [line.removesuffix(b"\r") for line in lines]
    if ONE_LINE.match(lines[0]) and not b"".join(lines[1:]).strip():
        return WRAPPED_END.sub(b"\r\n", lines[0].rstrip())
    if lines[0].startswith(b"  "):
        return WRAPPED_END.sub(b"\r\n", _unwrapped(lines))
    if lines[0].endswith(b"."):
        return b"\n".join(line.removesuffix(b".") for line in lines)
    return b"\n".join(lines)


def _unwrapped(lines: list[bytes]) -> bytes:
    """Lines of one width behind two blanks, joined; others (`##`) are not the packet's."""
    of_packet = [line for line in lines if line.startswith(b"  ")]
    # Blanks at the end of a line are the packet's, whoever passed the file on without them.
    width = min(max(map(len, of_packet)), WIDEST)
    return b"".join(line.ljust(width)[2:] for line in of_packet).rstrip(b" ")


class Tcpdump(Wrapper):
    """The ASCII of a packet, or its bytes in hexadecimal: those of its headers stand glued
    before the message.

    Without `-tttt` or `-tt` a line tells the time of day only, which is no moment.
    """

    name = "tcpdump"
    #: In hexadecimal no word shows, and in the ASCII beside it few are whole.
    markers = (*Wrapper.markers, FIRST_LINE)
    header = TCPDUMP
    has_ends = True

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def is_one_line(self, line: bytes) -> bool:
        return False

    def unwrap(self, record: bytes) -> Envelope | None:
        header = TCPDUMP.match(record)
        if header is None:
            return None
        # Of port 5060 verbose mode prints the message twice, at first indented.
        packet, begin = bytes_of(record, header.end()), 0
        if not packet:
            packet, begin = record, DECODED.match(record, header.end()).end()
        found = GLUED.search(packet, begin)
        if found is None:
            return None
        start = found.start()
        ip = header["ip"] or header["type"]
        is_tcp = b"Flags [" in header[0] or b": tcp " in header[0]
        if not is_tcp and start - begin - IP_BYTES[ip] - UDP_BYTES not in LINK_BYTES:
            return None
        port = PORTS.get(header["port"], header["port"])
        return Envelope(
            text=packet[start:],
            at=self._moment(header),
            source=_source(b"tcp" if is_tcp else b"udp", header["host"], port),
        )

    def moment(self, line: bytes) -> datetime | None:
        header = TCPDUMP.match(line)
        return self._moment(header) if header else None

    def _moment(self, header: re.Match[bytes]) -> datetime | None:
        if header["date"] is not None:
            return self._stamps.iso(ISO.match(header["date"]))
        if header["second"] is None:
            return None
        second, micro = int(header["second"]), int(header["micro"])
        return EPOCH + timedelta(seconds=second, microseconds=micro)


def _parted(end: bytes) -> tuple[bytes, bytes]:
    host, _, port = end.rpartition(b":")
    return host, port


def _source(protocol: bytes, host: bytes, port: bytes) -> str:
    host = host.strip(b"[]")
    shown = b"[" + host + b"]" if b":" in host else host
    return b":".join((protocol, shown, port)).decode("ascii", "replace")
