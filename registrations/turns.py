"""Who goes first, of a thread that stores and one that reads ahead of it.

Python runs one of them at a time. Left to themselves they share it evenly: what is read ahead
is done before PostgreSQL is asked, which then is waited for by a process that does nothing.
So the reader takes its turns while PostgreSQL works, and while nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event


class Turns:
    """One reader's and one storing thread's."""

    def __init__(self) -> None:
        self._is_free = Event()
        self._is_free.set()
        self._is_storing = False

    def await_one(self) -> None:
        """The reader: call before each piece of work of a millisecond or so."""
        self._is_free.wait()

    @contextmanager
    def storing(self) -> Iterator[None]:
        """The other one has work to do."""
        self._is_storing = True
        self._is_free.clear()
        try:
            yield
        finally:
            self._is_storing = False
            self._is_free.set()

    def give(self) -> None:
        """It is about to wait for PostgreSQL."""
        self._is_free.set()

    def take(self) -> None:
        """PostgreSQL has answered."""
        if self._is_storing:
            self._is_free.clear()


#: Of the process: `ingest` stores in one thread. Elsewhere nobody reads ahead.
TURNS = Turns()
