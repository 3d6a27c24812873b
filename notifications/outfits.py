"""What an app gives to each of its pushes: its settings, a credential, a template."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Subquery

from notifications.models import App, Credential, PayloadTemplate
from notifications.payloads import DEFAULTS


@dataclass(frozen=True, slots=True)
class Outfit:
    """For pushes of one kind to one environment."""

    app: App
    has_credential: bool
    #: The app's own, else the default.
    template: dict


class Outfits:
    """Asks for each app, environment and kind once; belongs to one `enqueue`."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Outfit | None] = {}

    def of(self, bundle_id: str, environment: str, kind: str) -> Outfit | None:
        """None where no app is set up for the bundle id."""
        wanted = bundle_id, environment, kind
        if wanted not in self._known:
            self._known[wanted] = _asked(*wanted)
        return self._known[wanted]


def _asked(bundle_id: str, environment: str, kind: str) -> Outfit | None:
    of_it = {"app": OuterRef("pk")}
    credentials = Credential.objects.filter(**of_it, environment=environment)
    own = PayloadTemplate.objects.filter(**of_it, kind=kind).values("body")[:1]
    app = (
        App.objects.filter(bundle_id=bundle_id)
        .annotate(has_credential=Exists(credentials), own_template=Subquery(own))
        .first()
    )
    if app is None:
        return None
    template = app.own_template
    return Outfit(
        app, app.has_credential, DEFAULTS[kind] if template is None else template
    )
