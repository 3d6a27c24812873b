"""Where an open SIP message ends: by its size, its empty line, its body, or the next record.

All functions return the message, or None while it is not there.
"""

from __future__ import annotations

import re
from functools import lru_cache

from registrations.formats.form import Format
from registrations.formats.marks import VERSION
from registrations.sip import WHOLE, Message, read_message

#: The longest message and the longest line we keep (RFC 3261 §18.1.1 allows 65,535 on UDP).
LONGEST_MESSAGE = 128 * 1024
HEADERS_END = re.compile(rb"\n\r?\n")
LENGTH = re.compile(rb"[ \t]*(?:\r?\n[ \t]+)?(\d{1,9})")

#: Flexisip hides bodies.
HIDDEN = re.compile(rb"\[\d+ bytes of body hidden\]")
#: How a header begins, or a line that goes on with one.
HEADER = re.compile(rb"[^\s:]+[ \t]*:|[ \t]")
#: What begins a message and can be no header of one: a header has a colon behind its name.
START = rb"[A-Za-z]+ +[^\s:]+:\S+ +[Ss][Ii][Pp]/2\.0[ \t]*\r?\n|SIP/2\.0 \d{3}[ \r\n]"
NEXT_START = re.compile(rb"\n(?=%b)" % START)
#: A start line; empty lines may stand before it (RFC 3261 §7.5).
FIRST_LINE = re.compile(rb"\s*[^\n]*")
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
        end = start + size
        message, after, is_ended = WHOLE.read(data, start, end)
        if is_ended and (after == end or has_body(message, data, after, end)):
            return data[start:end], _begun(message, data, start, end), end, True
        return _missized(data, start, size, form, is_last)
    limit = start + LONGEST_MESSAGE
    message, end, is_ended = form.head.read(data, start, limit)
    following = None if form.has_ends else _next_start(data, start, end)
    if following is not None:
        return _interrupted(data, start, following, form, is_last)
    if is_ended:
        after = _body_end(data, end, limit, message, form, is_last)
        return None if after is None else (data[start:end], message, after, True)
    if end < min(limit, len(data)) or is_last or len(data) > limit:
        # A log record interrupts it, or more is not to be had.
        return _part(data, start, end)
    return None


def _next_start(data: bytes, start: int, end: int) -> int | None:
    """Where the first start line behind that of the message at `start` begins."""
    behind = FIRST_LINE.match(data, start, end).end()
    # Nearly no message has a line that ends so: looking for that is soon done.
    if VERSION.search(data, behind, end) is None:
        return None
    found = NEXT_START.search(data, behind, end)
    return found and found.end()


def _part(data: bytes, start: int, end: int) -> Cut:
    raw = data[start:end]
    return raw, read_message(raw), end, is_whole(raw)


def _interrupted(
    data: bytes, start: int, end: int, form: Format, is_last: bool
) -> Cut | None:
    """A message without its empty line in front of the next one's start line: words between
    them which are no header are the log's.
    """
    line = data.rfind(b"\n", start, end - 1) + 1
    stop = end if line == 0 or HEADER.match(data, line) else line
    raw, message, stop, is_ended = _part(data, start, stop)
    length = _body_length(message)
    behind = min(_body_begin(data, start, end) + length, start + LONGEST_MESSAGE)
    if length and end < behind:
        stop = _behind_body(data, end, behind, form, is_last)
    return None if stop is None else (raw, message, stop, is_ended)


def _body_begin(data: bytes, start: int, end: int) -> int:
    """Where a body without an empty line in front of it begins at the latest."""
    at = data.find(b"\n", start) + 1
    while at < end and HEADER.match(data, at):
        at = data.find(b"\n", at) + 1
    return at


def _behind_body(
    data: bytes, at: int, behind: int, form: Format, is_last: bool
) -> int | None:
    """The log's next line behind what may be body: a phone writes start lines there too."""
    while at < behind and not (form.prefix and form.prefix.match(data, at)):
        line = data.find(b"\n", at) + 1
        if line == 0:
            return len(data) if is_last else None
        at = line
    return at


def _missized(data: bytes, start: int, size: int, form: Format, is_last: bool):
    """A message that ends elsewhere than its size says, or is not all here.

    The size counts where a message ends there; else the next log line does. So a phone cannot
    forge a log line in a folded header of its own.
    """
    limit, line_end = start + size, data.find(b"\n", start)
    if line_end > start and data[line_end - 1] != CR:
        limit = without_crs(data, start, line_end, size)
    if len(data) < limit and not is_last:
        return None
    end = min(limit, len(data))
    message, after, is_ended = WHOLE.read(data, start, end)
    if not is_ended and limit < start + size:
        # The sender itself wrote LF, and the size says so.
        if len(data) < start + size and not is_last:
            return None
        message, after, is_ended = WHOLE.read(data, start, start + size)
        end = after if is_ended else end
    if not is_ended:
        return _endless(data, start, end, limit, form)
    if after != end:
        stop = _stop_before(data, start, message, after, end, form)
        return _part(data, start, stop)
    return data[start:end], _begun(message, data, start, end), end, True


def _endless(data: bytes, start: int, end: int, limit: int, form: Format) -> Cut:
    """A message without its empty line. By its size it ended at `limit`: two bytes into the
    log's next line, where nothing else is missing (the journal leaves empty lines out).
    """
    first = FIRST_LINE.match(data, start, end).end()
    line = data.rfind(b"\n", first, end) + 1
    if line and limit - line == 2:
        raw = data[start:line]
        return raw, read_message(raw), line, True
    before = form.head.match(data, start, end).end()
    if before == end and not form.has_ends:
        before = _next_start(data, start, end) or line or end
    return _part(data, start, before)


def has_body(message: Message, data: bytes, after: int, end: int) -> bool:
    """True where the body goes from `after` to `end`; none of a log passed on with LF."""
    return (
        end <= len(data)
        and message.start_line.endswith(b"\r\n")
        and after + _body_length(message) == end
    )


def _begun(message: Message, data: bytes, start: int, end: int) -> Message:
    """The message behind what may be an empty line in front of it."""
    return read_message(data[start:end]) if message.start_line.isspace() else message


def _stop_before(
    data: bytes, start: int, message: Message, after: int, end: int, form: Format
) -> int:
    """Where a message ends that has an empty line, but not where its size says."""
    if after + _body_length(message) == end:
        return end
    before = form.head.match(data, start, after).end()
    return before if before < after else end


def without_crs(data: bytes, start: int, line_end: int, size: int) -> int:
    """Where `size` bytes end in a log that was passed on with LF line ends."""
    at, left = start, size
    while line_end >= 0 and line_end - at + 2 <= left:
        left -= line_end - at + 2
        at = line_end + 1
        line_end = data.find(b"\n", at)
    return at + left


def _body_length(message: Message) -> int:
    return _length(message.content_length or b"")


@lru_cache(1024)
def _length(content_length: bytes) -> int:
    found = LENGTH.match(content_length)
    return int(found[1]) if found else 0


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
    short = without_crs(data, end, data.find(b"\n", end), length)
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
