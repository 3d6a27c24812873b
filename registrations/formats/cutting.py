"""Where an open SIP message ends: by its size, its empty line, its body, or the next record.

All functions return the message and the index behind it, or None while it is not whole.
"""

from __future__ import annotations

import re

from registrations.formats.form import Format

#: The longest message and the longest line we keep (RFC 3261 §18.1.1 allows 65,535 on UDP).
LONGEST_MESSAGE = 128 * 1024
HEADERS_END = re.compile(rb"\n\r?\n")
CONTENT_LENGTH = re.compile(rb"(?i)\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})")

#: Flexisip hides bodies.
HIDDEN = re.compile(rb"\[\d+ bytes of body hidden\]")
LINE_ENDS = re.compile(rb"[\r\n]{0,4}")
#: The prefix of a log line is shorter.
LONGEST_PREFIX = 64

Cut = tuple[bytes, int]


def is_whole(raw: bytes) -> bool:
    """True when the headers end."""
    return raw.endswith((b"\n\r\n", b"\n\n")) or HEADERS_END.search(raw) is not None


def cut(
    data: bytes, start: int, size: int | None, form: Format, *, is_last: bool
) -> Cut | None:
    """The message that starts at `start`; `size` where the log gave it."""
    if size is not None:
        return _sized(data, start, size, form, is_last)
    limit = start + LONGEST_MESSAGE
    head = HEADERS_END.search(data, start, limit)
    stop = head.end() if head else min(limit, len(data))
    boundary = _boundary(data, start, stop, form)
    if boundary is not None:
        return data[start:boundary], boundary
    if head is not None:
        return _with_body(data, start, head.end(), form, is_last)
    if is_last or len(data) > limit:
        return data[start:stop], stop
    return None


def _sized(data: bytes, start: int, size: int, form: Format, is_last: bool):
    """The size counts where a message ends there; else the next log line does.

    So a phone cannot forge a log line in a folded header of its own.
    """
    if form.prefix is not None and form.prefix.match(data, start):
        return b"", start  # the line was not followed by a message
    limit = _sized_end(data, start, size)
    if len(data) < limit and not is_last:
        return None
    end = min(limit, len(data))
    head = HEADERS_END.search(data, start, end)
    if head is None and limit < start + size:
        # The sender itself wrote LF, and the size says so.
        if len(data) < start + size and not is_last:
            return None
        head = HEADERS_END.search(data, start, start + size)
        end = head.end() if head else end
    if head is not None and head.end() == end:
        return data[start:end], end
    boundary = _boundary(data, start, head.end() if head else end, form)
    if boundary is not None and not (
        head and head.end() + _body_length(data, start, head.end()) == end
    ):
        end = boundary
    return data[start:end], end


def _sized_end(data: bytes, start: int, size: int) -> int:
    """Where `size` bytes end; a log that was passed on with LF line ends lacks the CRs."""
    line_end = data.find(b"\n", start)
    if line_end <= start or data[line_end - 1 : line_end] == b"\r":
        return start + size
    at, left = start, size
    while line_end >= 0 and line_end - at + 2 <= left:
        left -= line_end - at + 2
        at = line_end + 1
        line_end = data.find(b"\n", at)
    return at + left


def _boundary(data: bytes, start: int, stop: int, form: Format) -> int | None:
    """Where a new log record interrupts the message, if it does."""
    found = form.boundary.search(data, start, stop) if form.boundary else None
    return found.start() + 1 if found else None


def _body_length(data: bytes, start: int, end: int) -> int:
    found = CONTENT_LENGTH.search(data, start, end)
    return int(found[1]) if found else 0


def _with_body(data: bytes, start: int, end: int, form: Format, is_last: bool):
    length = _body_length(data, start, end)
    if end + length > start + LONGEST_MESSAGE or HIDDEN.match(data, end):
        length = 0
    if not form.has_bodies:
        return _with_any_body(data, start, end, length, form, is_last)
    if len(data) < end + length and not is_last:
        return None
    return data[start:end], min(end + length, len(data))


def _with_any_body(
    data: bytes, start: int, end: int, length: int, form: Format, is_last: bool
):
    """A body that may not be there: it is where the log goes on behind its last byte.

    What a body holds may look like the log itself: a phone wrote it.
    """
    after = LINE_ENDS.match(data, end + length).end() if length else end
    if length and len(data) < after + LONGEST_PREFIX and not is_last:
        return None
    has_body = length and form.prefix.match(data, after)
    return data[start:end], after if has_body else end
