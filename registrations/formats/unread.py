"""Tells a log of which nothing was read because no line looks like its format."""

from __future__ import annotations

from collections.abc import Sized

from registrations.formats.kinds import BY_NAME


class Unread:
    """Watches a reader from a log's first byte on. `name`: the format, None to look."""

    def __init__(self, name: str | None, position: int = 0) -> None:
        self._name = name
        self._size = 0
        # A capture of another kind is refused by its reader.
        self._is_known = position > 0 or (name is not None and name not in BY_NAME)

    def saw(self, data: bytes, records: Sized, form: object) -> None:
        """These bytes gave these records. `form`: of the reader, None so far."""
        self._size += len(data)
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
        return f"{self._size:,} bytes read, no line looks like {self._name or 'a known log'}"
