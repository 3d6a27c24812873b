"""Tells a log of which nothing was read because no line looks like its format."""

from __future__ import annotations

from collections.abc import Sized

from registrations.formats.kinds import BY_NAME

HEAD_BYTES = 64
LEAST_PAIRS = 4
#: UTF-16, its bytes in one order or the other.
MARKS = (b"\xff\xfe", b"\xfe\xff")


class Unread:
    """Watches a reader from a log's first byte on, or from a later one where none of those
    before showed a format. `name`: the format, None to look. `head`: the log's first bytes,
    where `position` lies behind them.
    """

    def __init__(self, name: str | None, position: int = 0, head: bytes = b"") -> None:
        self._name = name
        self._size = position
        #: The first bytes: text of two bytes a character shows in them.
        self._head = head[:HEAD_BYTES]
        # A capture of another kind is refused by its reader.
        self._is_known = name is not None and (position > 0 or name not in BY_NAME)

    def saw(self, data: bytes, records: Sized, form: object) -> None:
        """These bytes gave these records. `form`: of the reader, None so far."""
        self._size += len(data)
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + data)[:HEAD_BYTES]
        if not self._is_known:
            self._is_known = bool(records) or self._looks(data, form)

    def _looks(self, data: bytes, form: object) -> bool:
        if self._name is None:
            return form is not None
        shape = BY_NAME[self._name].shape
        return any(shape.match(line) for line in data.splitlines(keepends=True))

    @property
    def words(self) -> str:
        """What to say of it; empty where there is nothing to say."""
        if self._is_known or not self._size:
            return ""
        read = f"{self._size:,} bytes read"
        if is_utf16(self._head):
            return f"{read}, it is UTF-16: convert it with iconv"
        return f"{read}, no line looks like {self._name or 'a known log'}"


def is_utf16(head: bytes) -> bool:
    """True for a byte order mark, or a NUL in every second place."""
    pairs = len(head) // 2
    nuls = b"\0" * pairs
    is_zero = pairs >= LEAST_PAIRS and nuls in (
        head[: 2 * pairs : 2],
        head[1::2][:pairs],
    )
    return head.startswith(MARKS) or (is_zero and any(head))
