"""The read model of the Settings page: apps with their keys, feeds, people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.db.models import Count, Max, Q

from notifications.expiry import Warning, warning_of
from notifications.forms import AppForm
from notifications.models import ApiToken, App, Credential, Push
from notifications.sources import source_of
from registrations.models import Device, Feed


@dataclass(frozen=True, slots=True)
class Key:
    """A credential, and when APNs last took a push signed with its app's key."""

    credential: Credential
    last_accepted_at: datetime | None
    devices: int
    warning: Warning | None


@dataclass(frozen=True, slots=True)
class AppCard:
    """One app, its keys, and the form of its policy."""

    app: App
    keys: list[Key]
    form: AppForm
    #: Pushes in the queue, and those of them that wait for the limit of their device.
    waiting: int
    limited: int


def settings_page(now: datetime, refused: AppForm | None = None) -> dict:
    """The rows of the page; `refused` is the form of an app whose policy was not saved."""
    taken = _last_accepted()
    devices, queued = _devices(), _queued()
    apps = App.objects.prefetch_related("credentials", "beacon_secrets", "beacons")
    return {
        "page": "settings",
        "apps": [
            AppCard(
                app,
                _keys(app, taken, devices, now),
                _form_of(app, refused),
                *queued.get(app.pk, (0, 0)),
            )
            for app in apps
        ],
        "feeds": [source_of(feed, now) for feed in Feed.objects.all()],
        "people": User.objects.prefetch_related("groups").order_by("username"),
        "api_tokens": ApiToken.objects.filter(revoked_at=None).select_related(
            "app", "created_by"
        ),
        "groups": Group.objects.order_by("name"),
    }


def _keys(app: App, taken: dict, devices: dict, now: datetime) -> list[Key]:
    return [
        Key(
            credential,
            taken.get((app.pk, credential.environment)),
            devices.get((app.bundle_id, credential.environment), 0),
            warning_of(credential.expires_at, now),
        )
        for credential in app.credentials.all()
    ]


def _last_accepted() -> dict[tuple[int, str], datetime]:
    rows = Push.objects.filter(state=Push.State.ACCEPTED).order_by()
    groups = rows.values_list("app", "environment").annotate(at=Max("accepted_at"))
    return {(app, environment): at for app, environment, at in groups}


def _queued() -> dict[int, tuple[int, int]]:
    rows = Push.objects.filter(state=Push.State.QUEUED).order_by().values_list("app")
    limited = Q(reason__startswith="waits:")
    groups = rows.annotate(all=Count("pk"), limited=Count("pk", limited))
    return {app: (number, some) for app, number, some in groups}


def _devices() -> dict[tuple[str, str], int]:
    rows = Device.objects.order_by().values_list("bundle_id", "environment")
    groups = rows.annotate(number=Count("pk"))
    return {(bundle_id, environment): n for bundle_id, environment, n in groups}


def _form_of(app: App, refused: AppForm | None) -> AppForm:
    if refused is not None and refused.instance.pk == app.pk:
        return refused
    return AppForm(instance=app, auto_id=f"app-{app.pk}-%s")
