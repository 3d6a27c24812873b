"""Which template an app's pushes of a kind follow."""

from __future__ import annotations

from notifications.models import App, PayloadTemplate
from notifications.payloads import DEFAULTS


def template_of(app: App, kind: str) -> dict:
    """The app's own, else the default."""
    own = PayloadTemplate.objects.filter(app=app, kind=kind).values_list("body")[:1]
    return next((body for (body,) in own), DEFAULTS[kind])
