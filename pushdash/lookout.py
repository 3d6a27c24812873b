"""What the workers do is done here while Redis is away: nobody else could wake them.

The rows are the queue and claims skip what others hold, so a worker that still runs and a
lookout that thinks it alone do no harm to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pushdash.celery import PERIODS, app


class Lookout:
    """Beat's schedule, worked off in this process while `is_away` says so."""

    def __init__(
        self,
        is_away: Callable[[], bool],
        tasks: Mapping[str, tuple[float, Callable[[], None]]],
    ) -> None:
        """`tasks`: name → seconds between two of its runs, and what to run."""
        self._is_away, self._tasks = is_away, tasks
        self._due = dict.fromkeys(tasks, 0.0)

    def look(self, now: float) -> list[str]:
        """Run what is due by the monotonic clock `now`; which tasks these were."""
        if not self._is_away():
            return []
        due = [name for name in self._tasks if self._due[name] <= now]
        for name in due:
            every, run = self._tasks[name]
            self._due[name] = now + every
            run()
        return due


def tasks_of_beat() -> dict[str, tuple[float, Callable[[], None]]]:
    """Every task that beat wakes, calls first."""
    app.loader.import_default_modules()
    return {
        name: (seconds, app.tasks[f"notifications.{name}"])
        for name, seconds in PERIODS.items()
    }
