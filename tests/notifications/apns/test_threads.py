"""The one loop thread of a process, as Celery's tasks use it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from notifications.apns import threads


async def thread_name() -> str:
    return threading.current_thread().name


def test_everything_runs_in_one_thread_of_its_own():
    names = {threads.run(thread_name(), 5) for _ in range(3)}
    assert names == {"apns"}


def test_what_takes_too_long_is_stopped_and_harms_nothing_after_it():
    stopped = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.set()
            raise

    with pytest.raises(TimeoutError):
        threads.run(slow(), 0.05)
    assert stopped.wait(5)
    assert threads.run(thread_name(), 5) == "apns"
