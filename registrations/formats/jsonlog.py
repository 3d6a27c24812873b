"""Logs of one JSON object a line: Asterisk's `[json]`, `journalctl -o json`, and what log
shippers write. The text is the value of the first member known to hold one.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from registrations.formats.stamps import ISO, WITHOUT_YEAR, Stamps
from registrations.formats.wrapped import Envelope, Wrapper

#: The journal prints a message that holds a CR as an array of byte values.
AS_BYTES = b'"MESSAGE":['
#: Of a text with its line end.
LINE_END = b'\\n"'
TEXTS = ("MESSAGE", "message", "log", "msg")
TIMES = ("@timestamp", "timestamp", "time", "date", "ts")
#: The journal's and Docker's words for who printed an entry.
ORIGIN = ("_HOSTNAME", "_PID", "stream")
MICROSECONDS = "__REALTIME_TIMESTAMP"
#: Later numbers are milliseconds, microseconds, nanoseconds since 1970.
LONGEST_SECONDS = 1e11
LONGEST_NUMBER = 1e20
#: Before 1973 there was no SIP: a number of something else.
LEAST_SECONDS = 1e8


class JsonLog(Wrapper):
    """One object a line."""

    name = "json"
    markers = (*Wrapper.markers, b"\\/2.0", AS_BYTES, b'"MESSAGE" : [', b'"MESSAGE": [')
    header = re.compile(rb"[ \t]*\{[ \t]*\"[^\"\x00-\x1f]{1,99}\"[ \t]*:")

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        #: Lines have their end with them, as Docker writes them, and not all who read those.
        self._has_line_ends = False

    def goes_on(self, record: bytes) -> bool:
        # Docker cuts a line after 16 kB.
        is_ended = record.find(LINE_END) >= 0
        self._has_line_ends = self._has_line_ends or is_ended
        return self._has_line_ends and not is_ended

    def unwrap(self, record: bytes) -> Envelope | None:
        entry = object_of(record)
        text = text_of(entry)
        if text is None:
            return None
        return Envelope(text=text, at=moment_of(entry, self._stamps))

    def origin(self, record: bytes) -> bytes:
        entry = object_of(record)
        return repr([entry.get(name) for name in ORIGIN]).encode()

    def moment(self, line: bytes) -> datetime | None:
        return moment_of(object_of(line), self._stamps)


def object_of(line: bytes) -> dict:
    """The object of one line; empty where there is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def text_of(entry: dict) -> bytes | None:
    """The log text of one entry; None where no known member holds any."""
    for value in (*map(entry.get, TEXTS), _inner(entry.get("logmsg"))):
        if isinstance(value, str):
            return value.encode("utf-8", "surrogatepass")
        if isinstance(value, list) and all(_is_byte(one) for one in value):
            return bytes(value)
    return None


def _inner(value: object) -> object:
    return value.get("message") if isinstance(value, dict) else None


def _is_byte(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 256


def stamp_of(entry: dict) -> object:
    """What an entry says of its time, as it is written; None where no known member tells."""
    micros = entry.get(MICROSECONDS)
    if isinstance(micros, str) and micros.isdecimal():
        return micros
    values = map(entry.get, TIMES)
    return next((one for one in values if isinstance(one, str | int | float)), None)


def moment_of(entry: dict, stamps: Stamps) -> datetime | None:
    """When the entry was written, in UTC; None where no known member tells."""
    return moment_at(stamp_of(entry), stamps)


def moment_at(value: object, stamps: Stamps) -> datetime | None:
    """The moment of a time: ISO 8601 text, syslog's without a year, or a number (seconds
    down to nanoseconds since 1970); else None.
    """
    if isinstance(value, str):
        if not value.isdecimal():
            return _text_moment(value.encode("utf-8", "replace"), stamps)
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not LEAST_SECONDS < value < LONGEST_NUMBER:  # neither does NaN pass
        return None
    while value > LONGEST_SECONDS:
        value /= 1000
    return datetime.fromtimestamp(value, UTC)


def _text_moment(stamp: bytes, stamps: Stamps) -> datetime | None:
    found = ISO.match(stamp)
    if found is not None:
        return stamps.iso(found)
    # Asterisk's default `dateformat`, and OpenSIPS'.
    found = WITHOUT_YEAR.match(stamp)
    return stamps.without_year(found) if found else None
