"""An app's row → the frozen Policy its verdicts follow."""

from __future__ import annotations

from notifications.judging import Policy
from notifications.models import App


def policy_of(app: App) -> Policy:
    """The app's policy as a value."""
    return Policy(
        threshold=app.threshold,
        wake_window=app.wake_window,
        grace=app.grace,
        late_window=app.late_window,
        reach_window=app.reach_window,
        foreground_window=app.foreground_window,
        release_after=app.release_after,
    )
