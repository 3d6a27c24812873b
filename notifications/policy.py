"""An app's row → the frozen Policy its verdicts follow."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from notifications.facts import Policy
from notifications.models import App, Push


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


def policies() -> dict[str, Policy]:
    """bundle id → its app's policy; the default where no app is set up."""
    found = {app.bundle_id: policy_of(app) for app in App.objects.all()}
    return defaultdict(Policy, found)


def life_of(app: App, push_type: str) -> timedelta:
    """How long a push of this type may wait before it is worth nothing."""
    return {
        Push.Type.VOIP: app.voip_life,
        Push.Type.ALERT: app.alert_life,
        Push.Type.BACKGROUND: app.background_life,
    }[Push.Type(push_type)]


def life_of_kind(app: App, kind: str, push_type: str) -> timedelta:
    """The same; a call told by alert is worth nothing when the caller has given up."""
    is_ringing = kind == Push.Kind.CALL_ALERT
    return app.late_window if is_ringing else life_of(app, push_type)
