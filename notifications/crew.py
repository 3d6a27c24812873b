"""Processes of our own that share a long work. Imports no model: they start without Django."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.pool import Pool

import django
from django.conf import settings
from django.db import connection


@contextmanager
def crew(size: int) -> Iterator[Pool]:
    """So many processes, each with its connection to the database of this one."""
    # Spawned, not forked: a forked one would share our connection.
    database = connection.settings_dict["NAME"]
    with get_context("spawn").Pool(size, _begin, [database]) as pool:
        yield pool
        pool.close()
        pool.join()


def _begin(database: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
