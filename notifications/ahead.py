"""Asks the database for what comes next while what came before is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections

Ask = Callable[..., Future]


@contextmanager
def asking_ahead() -> Iterator[Ask]:
    """What begins a call in another thread and gives its future, one call after the other.

    The other thread asks on this one's connection, so it sees what a transaction here has done;
    nobody else may ask on it before the call is done.
    """
    shared = connections[DEFAULT_DB_ALIAS]

    def share() -> None:
        connections[DEFAULT_DB_ALIAS] = shared

    shared.inc_thread_sharing()
    try:
        with ThreadPoolExecutor(1, "ahead", initializer=share) as thread:
            yield thread.submit
    finally:
        shared.dec_thread_sharing()
