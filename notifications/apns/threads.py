"""One event loop in one daemon thread for each process: where the synchronous world waits.

Made at first use, so always after the fork of a worker.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}


def run(coroutine: Coroutine[Any, Any, Any], timeout_seconds: float) -> Any:
    """Run `coroutine` in this process's loop and return its result.

    Raises TimeoutError when it takes longer: a last line of defence, every send has a
    deadline of its own.
    """
    future = asyncio.run_coroutine_threadsafe(coroutine, _loop())
    try:
        return future.result(timeout_seconds)
    except TimeoutError:
        future.cancel()
        raise


def start(coroutine: Coroutine[Any, Any, None]) -> None:
    """Begin `coroutine` in this process's loop; it tells of its end itself."""
    asyncio.run_coroutine_threadsafe(coroutine, _loop())


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="apns", daemon=True).start()
            _loops[os.getpid()] = loop
        return loop
