"""Where an open SIP message ends: by its size, its empty line, its body, or the next record.

All functions return the message, or None while it is not there.
"""

from __future__ import annotations

import re

from registrations.formats.form import Format
from registrations.sip import END, WHOLE, Message, read_message

#: The longest message and the longest line we keep (RFC 3261 §18.1.1 allows 65,535 on UDP).
LONGEST_MESSAGE = 128 * 1024
HEADERS_END = re.compile(rb"\n\r?\n")
LENGTH = re.compile(rb"[ \t]*(?:\r?\n[ \t]+)?(\d{1,9})")

#: Flexisip hides bodies.
HIDDEN = re.compile(rb"\[\d+ bytes of body hidden\]")
LINE_ENDS = re.compile(rb"[\r\n]{0,4}")
#: The prefix of a log line is shorter.
LONGEST_PREFIX = 64
CR = ord("\r")


#: A message as bytes and as read, the index behind it in the log, whether its headers end.
Cut = tuple[bytes, Message, int, bool]


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
    found = form.head.match(data, start, limit)
    end = found.end()
    if found.lastindex == END:
        return _with_body(data, start, found, form, is_last)
    if end < min(limit, len(data)) or is_last or len(data) > limit:
        # A log record interrupts it, or more is not to be had.
        return _part(data, start, end)
    return None


def _part(data: bytes, start: int, end: int) -> Cut:
    raw = data[start:end]
    return raw, read_message(raw), end, is_whole(raw)


def _sized(data: bytes, start: int, size: int, form: Format, is_last: bool):
    """The size counts where a message ends there; else the next log line does.

    So a phone cannot forge a log line in a folded header of its own.
    """
    end = start + size
    found = WHOLE.match(data, start, end)
    if found.lastindex == END and found.end() == end:
        return data[start:end], _message_of(found), end, True
    return _missized(data, start, size, form, is_last)


def _missized(data: bytes, start: int, size: int, form: Format, is_last: bool):
    """A message that ends elsewhere than its size says, or is not all here."""
    limit, line_end = start + size, data.find(b"\n", start)
    if line_end > start and data[line_end - 1] != CR:
        limit = _without_crs(data, start, line_end, size)
    if len(data) < limit and not is_last:
        return None
    end = min(limit, len(data))
    found = WHOLE.match(data, start, end)
    is_ended = found.lastindex == END
    if not is_ended and limit < start + size:
        # The sender itself wrote LF, and the size says so.
        if len(data) < start + size and not is_last:
            return None
        found = WHOLE.match(data, start, start + size)
        is_ended = found.lastindex == END
        end = found.end() if is_ended else end
    if not is_ended or found.end() != end:
        return _part(data, start, _interrupted(data, start, found, end, form))
    return data[start:end], _message_of(found), end, True


def _message_of(found: re.Match[bytes]) -> Message:
    message = WHOLE.message(found)
    return read_message(found[0]) if message.start_line.isspace() else message


def _interrupted(
    data: bytes, start: int, found: re.Match[bytes], end: int, form: Format
) -> int:
    """Where a message ends that does not end where its size says."""
    is_ended = found.lastindex == END
    if is_ended and found.end() + _body_length(WHOLE.message(found)) == end:
        return end
    stop = found.end() if is_ended else end
    before = form.head.match(data, start, stop).end()
    return before if before < stop else end


def _without_crs(data: bytes, start: int, line_end: int, size: int) -> int:
    """Where `size` bytes end in a log that was passed on with LF line ends."""
    at, left = start, size
    while line_end >= 0 and line_end - at + 2 <= left:
        left -= line_end - at + 2
        at = line_end + 1
        line_end = data.find(b"\n", at)
    return at + left


def _body_length(message: Message) -> int:
    found = LENGTH.match(message.content_length or b"")
    return int(found[1]) if found else 0


def _with_body(
    data: bytes, start: int, found: re.Match[bytes], form: Format, is_last: bool
) -> Cut | None:
    end, message = found.end(), form.head.message(found)
    after = _body_end(data, end, start + LONGEST_MESSAGE, message, form, is_last)
    return None if after is None else (data[start:end], message, after, True)


def _body_end(
    data: bytes, end: int, limit: int, message: Message, form: Format, is_last: bool
) -> int | None:
    """Where the body behind headers that end at `end` ends; None: not here yet."""
    length = _body_length(message)
    if not length or end + length > limit or HIDDEN.match(data, end):
        return end
    if not form.has_bodies:
        return _any_body_end(data, end, length, form, is_last)
    is_passed_on = form.prefix is not None and data[end - 2] != CR
    room = LONGEST_PREFIX if is_passed_on else 0
    if len(data) < end + length + room and not is_last:
        return None
    passed_on = _passed_on_end(data, end, length, form) if is_passed_on else None
    return passed_on or min(end + length, len(data))


def _passed_on_end(data: bytes, end: int, length: int, form: Format) -> int | None:
    """Of a log that was passed on with LF line ends a body lost its CRs too: where the log
    goes on then, if it does.
    """
    short = _without_crs(data, end, data.find(b"\n", end), length)
    after = LINE_ENDS.match(data, short).end()
    return after if form.prefix.match(data, after) else None


def _any_body_end(
    data: bytes, end: int, length: int, form: Format, is_last: bool
) -> int | None:
    """A body that may not be there: it is where the log goes on behind its last byte.

    What a body holds may look like the log itself: a phone wrote it.
    """
    after = LINE_ENDS.match(data, end + length).end()
    if len(data) < after + LONGEST_PREFIX and not is_last:
        return None
    return after if form.prefix.match(data, after) else end
