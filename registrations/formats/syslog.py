"""syslog files in their three shapes, and what `journalctl -o short…` prints.

`Nov 23 19:51:41 vm /usr/sbin/kamailio[4349]: INFO: …` (RFC 3164: no year, no zone),
`2026-11-23T19:51:41.377040+00:00 vm …` and `<134>1 2026-… vm app pid id - …` (RFC 5424).
rsyslog makes one line of a message: `#015#012` for CR LF, `#011` for TAB. The journal
indents the lines that go on by the width of the prefix.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from registrations.formats.jsonlog import object_of, text_of
from registrations.formats.stamps import ISO, WITHOUT_YEAR, Stamps
from registrations.formats.wrapped import Envelope, Wrapper

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS = re.compile(rb"(\d{9,11})\.(\d{6})")
ZONE = re.compile(rb" ([A-Z][A-Za-z]{1,5}|[+-]\d\d)")
#: `Mon 2026-11-23 20:51:41 CET` (`journalctl -o short-full`): the zone by its abbreviation.
#: `[  123.456789]`, `[  123.456789 <    0.002000 >]`: since the machine's start, and since the
#: line before, which tell no moment.
STAMP = (
    rb"(?:[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? "
    rb"(?:[A-Z][A-Za-z]{1,5}|[+-]\d\d)(?= )"
    rb"|(?:[A-Z][a-z]{2} (?=\d{4}-))?"
    rb"(?:(?:\d{4} )?[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?"
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?Z| ?[+-]\d\d:?\d\d| UTC)?"
    rb"|\d{9,11}\.\d{6}|\[ *\d+\.\d{6}(?: < *\d+\.\d{6}[ *]>| {1,40})?\]))"
)
#: RFC 5424 §6: after the host come application, process, message id, structured data.
HEADER = re.compile(
    rb"(?:(?:<\d{1,3}>)?(" + STAMP + rb") \S+ "
    # BusyBox says facility and severity.
    rb"(?:[a-z]+\d?\.[a-z]+ )?[^\s:]+?(?:\[\d+\])?: ?"
    rb"|(?:<\d{1,3}>\d{1,2} |1 (?=\d{4}-\d\d-\d\dT))"
    rb"(\S+) \S+ \S+ \S+ \S+ (?:-|(?:\[[^\]]*\])+) ?(?:\xef\xbb\xbf)?)"
)
ESCAPED = re.compile(rb"#(0[0-3][0-7]|177)")
#: What is left of an escape where the line was cut.
CUT_ESCAPE = re.compile(rb"#(?:0[0-3]?|17?)?\Z")
LINE_END = b"#012"
#: What follows is a log entry in JSON, as OpenSIPS writes on demand.
CEE = b"@cee:"
YEAR = re.compile(rb"(\d{4}) ")
#: Of a line that was a record of its own.
CR_AT_END = b"#015"


class Syslog(Wrapper):
    """A prefix of time, host and program. `stamps` fill in year and zone."""

    name = "syslog"
    header = HEADER

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps

    def is_one_line(self, line: bytes) -> bool:
        return LINE_END in line

    def unwrap(self, record: bytes) -> Envelope | None:
        header = HEADER.match(record)
        if header is None:
            return None
        text = record[header.end() :]
        first, _, rest = text.partition(b"\n")
        if first.startswith(CEE):
            text = text_of(object_of(first[len(CEE) :])) or first
        elif LINE_END in first or first.endswith(CR_AT_END):
            text = CUT_ESCAPE.sub(b"", ESCAPED.sub(_unescaped, first))
        elif rest:
            text = first + b"\n" + _unindented(rest, header.end())
        return Envelope(text=text, at=self._moment(header))

    def origin(self, record: bytes) -> bytes:
        header = HEADER.match(record)
        return record[header.end(header.lastindex) : header.end()] if header else b""

    def moment(self, line: bytes) -> datetime | None:
        header = HEADER.match(line)
        return self._moment(header) if header else None

    def _moment(self, header: re.Match[bytes]) -> datetime | None:
        stamp = header[1] or header[2]
        iso = ISO.search(stamp)
        if iso is not None:
            zone = ZONE.fullmatch(stamp, iso.end())
            return self._stamps.iso(iso, zone[1].decode() if zone else None)
        year = YEAR.match(stamp)
        without_year = WITHOUT_YEAR.match(stamp, year.end() if year else 0)
        if year is not None and without_year is not None:
            return self._stamps.of_year(int(year[1]), without_year)
        if without_year is not None:
            return self._stamps.without_year(without_year)
        seconds = SECONDS.fullmatch(stamp)
        if seconds is None:
            return None
        return EPOCH + timedelta(seconds=int(seconds[1]), microseconds=int(seconds[2]))


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 8)])


def _unindented(rest: bytes, width: int) -> bytes:
    """Lines of a journal's record without the indent; others as they are."""
    indent = b" " * width
    return b"\n".join(line.removeprefix(indent) for line in rest.split(b"\n"))
