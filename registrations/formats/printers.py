"""Packets as text: ngrep (byline and wrapped), sipgrep, sngrep's text files, `tcpdump -A`.

A header line names both ends; what the printer did to the bytes behind it is undone as far
as it can be: a TAB printed as `.` stays one.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

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
    + rb"("
    + STAMP
    + rb")? *"
    + COLOURS
    + rb"("
    + END
    + rb")"
    + COLOURS
    + rb" -+> "
    + COLOURS
    + END
    + rb"[^\n]*\n"
)
#: sngrep does not say how a packet came: the sender's own Via does (RFC 3261 §18.1.1).
VIA = re.compile(
    rb"\n(?:via|v)[ \t]*:[ \t\r\n]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*(UDP|TCP|TLS|WSS?)[ \t]",
    re.I,
)
#: CR LF printed as `..`, where a header or the end of the message follows.
WRAPPED_END = re.compile(rb"\.\.(?=[A-Za-z][!-9;-~]*[ .]*:|\.\.|$)")
TCPDUMP = re.compile(
    rb"(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6})|(\d{9,11})\.(\d{6})|\d\d:\d\d:\d\d\.\d{6}) "
    rb"(?:[\w.-]+ +(?:In|Out|P|B|M) +)?(IP6?) (?:\((?:[^()\n]|\([^()\n]*\))*\)(?:\n +| ))?"
    rb"(\S+)\.(\d{1,5}|[a-z][\w-]*) > \S+: [^\n]*\n"
)
#: The first of its lines: in verbose mode the ends stand on the second.
TCPDUMP_LINE = re.compile(
    rb"(?:\d{4}-\d\d-\d\d )?(?:\d\d:\d\d:\d\d|\d{9,11})\.\d{6} (?:[\w.-]+ +(?:In|Out|P|B|M) +)?"
    rb"IP6? "
)
#: Bytes of the IP header and behind it of the UDP header: a message further on is a copy
#: inside another packet (HEP).
IP_BYTES = {b"IP": 20, b"IP6": 40}
UDP_BYTES = 8
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
        text = _unprinted(ANSI.sub(b"", record[header.end() :]))
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


def _protocol(letter: bytes | None, text: bytes) -> bytes:
    if letter is None and (via := VIA.search(text)) is not None:
        return via[1].lower()
    return b"tcp" if letter == b"T" else b"udp"


def _unprinted(text: bytes) -> bytes:
    lines = text.lstrip(b"\r\n").split(b"\n")
    if lines[0].endswith(b".\r") or lines[0].startswith(b"  "):
        # These printers never print a CR: the file was passed on with CR LF.
        lines = [line.removesuffix(b"\r") for line in lines]
    if lines[0].startswith(b"  "):
        joined = b"".join(line.removeprefix(b"  ") for line in lines)
        return WRAPPED_END.sub(b"\r\n", joined.rstrip(b" "))
    if lines[0].endswith(b"."):
        return b"\n".join(line.removesuffix(b".") for line in lines)
    return b"\n".join(lines)


class Tcpdump(Wrapper):
    """The ASCII of a packet: bytes of its headers stand glued before the message.

    Without `-tttt` or `-tt` a line tells the time of day only, which is no moment.
    """

    name = "tcpdump"
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
        begin = DECODED.match(record, header.end()).end()
        found = GLUED.search(record, begin)
        if found is None:
            return None
        start = found.start()
        is_tcp = b"Flags [" in header[0] or b": tcp " in header[0]
        if not is_tcp and start - begin != IP_BYTES[header[4]] + UDP_BYTES:
            return None
        port = PORTS.get(header[6], header[6])
        return Envelope(
            text=record[start:],
            at=self._moment(header),
            source=_source(b"tcp" if is_tcp else b"udp", header[5], port),
        )

    def moment(self, line: bytes) -> datetime | None:
        header = TCPDUMP.match(line)
        return self._moment(header) if header else None

    def _moment(self, header: re.Match[bytes]) -> datetime | None:
        if header[1] is not None:
            return self._stamps.iso(ISO.match(header[1]))
        if header[2] is None:
            return None
        return EPOCH + timedelta(seconds=int(header[2]), microseconds=int(header[3]))


def _parted(end: bytes) -> tuple[bytes, bytes]:
    host, _, port = end.rpartition(b":")
    return host, port


def _source(protocol: bytes, host: bytes, port: bytes) -> str:
    host = host.strip(b"[]")
    shown = b"[" + host + b"]" if b":" in host else host
    return b":".join((protocol, shown, port)).decode("ascii", "replace")
