"""Deadlines that share timers."""

from __future__ import annotations

import asyncio
import time

import pytest

from notifications.apns.deadlines import STEP_SECONDS, Deadlines


async def held(deadlines: Deadlines, seconds: float) -> float:
    """Wait in vain; after how long it ended."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with deadlines.within(seconds):
            await asyncio.Event().wait()
    return time.monotonic() - began


def test_each_ends_at_its_own_deadline():
    async def scenario():
        deadlines = Deadlines()
        lives = (0.1, 0.4, 0.1, 0.7)
        took = await asyncio.gather(*(held(deadlines, one) for one in lives))
        for seconds, life in zip(took, lives, strict=True):
            assert seconds >= life - STEP_SECONDS - 0.001
        assert took[0] < took[1] < took[3]

    asyncio.run(scenario())


def test_one_that_is_done_is_left_alone_and_forgotten():
    async def scenario():
        deadlines = Deadlines()
        async with deadlines.within(0.05):
            pass
        assert not any(deadlines._by_step.values())
        await asyncio.sleep(0.1)
        assert deadlines._by_step == {}

    asyncio.run(scenario())


def test_no_time_left_is_a_deadline_too():
    async def scenario():
        assert await held(Deadlines(), 0.0) < 5

    asyncio.run(scenario())


def test_a_cancelled_one_is_cancelled_and_no_timeout():
    async def scenario():
        task = asyncio.create_task(held(Deadlines(), 60.0))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_sends_at_once_share_a_timer():
    async def scenario():
        deadlines = Deadlines()
        loop = asyncio.get_running_loop()
        before = len(loop._scheduled)
        tasks = [asyncio.create_task(held(deadlines, 0.2)) for _ in range(100)]
        await asyncio.sleep(0)
        assert len(loop._scheduled) - before <= 3
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
