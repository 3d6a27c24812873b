"""Deadlines of many sends, a timer for all that fall together: a timer for each would cost as
much as encoding a push.
"""

from __future__ import annotations

import asyncio
import math

#: How much sooner than its deadline a send may be given up: never later, for nothing leaves
#: after its expiration.
STEP_SECONDS = 0.02


class Deadlines:
    """Those of one event loop's sends."""

    def __init__(self) -> None:
        self._by_step: dict[int, set[Deadline]] = {}

    def within(self, seconds: float) -> Deadline:
        """To be entered with `async with`: TimeoutError when the block takes longer."""
        loop = asyncio.get_running_loop()
        step = math.floor((loop.time() + seconds) / STEP_SECONDS)
        together = self._by_step.get(step)
        if together is None:
            together = self._by_step[step] = set()
            loop.call_at(step * STEP_SECONDS, self._pass, step)
        return Deadline(together)

    def _pass(self, step: int) -> None:
        for deadline in self._by_step.pop(step):
            deadline.reschedule(0.0)


class Deadline(asyncio.Timeout):
    """asyncio's, but for its timer."""

    def __init__(self, together: set[Deadline]) -> None:
        super().__init__(None)
        self._together = together

    async def __aenter__(self) -> Deadline:
        self._together.add(self)
        return await super().__aenter__()

    async def __aexit__(self, *how) -> bool | None:
        self._together.discard(self)
        return await super().__aexit__(*how)
