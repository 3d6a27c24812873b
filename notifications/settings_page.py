"""The read model of the Settings page: apps with their keys, feeds, people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.forms import ModelForm

from notifications.alarm_rules import FORGOTTEN, shown_alarms
from notifications.at_once import Capped
from notifications.expiry import Warning, warning_of
from notifications.forms import AppForm, FeedForm
from notifications.models import AlarmState, ApiToken, App, Credential, Push
from notifications.source_kinds import source_kinds
from notifications.sources import Source, source_of
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


#: The form of an app or a feed that was not saved.
Refused = AppForm | FeedForm | None


@dataclass(frozen=True, slots=True)
class FeedCard:
    """One feed, how it does, and the form of how it is read."""

    source: Source
    form: FeedForm
    #: REGISTERs a minute; None where nobody looked lately.
    per_minute: float | None


def settings_page(now: datetime, refused: Refused = None) -> dict:
    """The rows of the page."""
    return {
        "page": "settings",
        "apps": [_card(app, refused, now) for app in _apps()],
        "feeds": [
            FeedCard(
                source_of(feed, now),
                _form_of(FeedForm, feed, "feed", refused),
                _pace_of(feed, now),
            )
            for feed in Feed.objects.select_related("pace")
        ],
        "source_kinds": source_kinds(),
        "alarms": shown_alarms(AlarmState.objects.all(), now),
        "people": _people(),
        "api_tokens": ApiToken.objects.filter(revoked_at=None).select_related(
            "app", "created_by"
        ),
        "groups": list(Group.objects.order_by("name")),
    }


def _pace_of(feed: Feed, now: datetime) -> float | None:
    pace = getattr(feed, "pace", None)
    is_new = pace is not None and now - pace.looked_at < FORGOTTEN
    return pace.per_minute if is_new else None


def _apps() -> QuerySet[App]:
    """With their keys and how much of them waits."""
    queued = Push.objects.filter(app=OuterRef("pk"), state=Push.State.QUEUED)
    limited = queued.filter(reason__startswith="waits:")
    keys = Credential.objects.annotate(
        last_accepted_at=Subquery(_taken().values("accepted_at")[:1]),
        devices=Capped(_devices()),
    )
    apps = App.objects.annotate(waiting=Capped(queued), limited=Capped(limited))
    keyed = Prefetch("credentials", keys)
    return apps.prefetch_related(keyed, "beacon_secrets", "beacons")


def _taken() -> QuerySet[Push]:
    """What APNs took of an app in an environment, the newest first."""
    of_key = {name: OuterRef(name) for name in ("app", "environment")}
    taken = Push.objects.filter(state=Push.State.ACCEPTED, **of_key)
    return taken.order_by("-created_at")


def _devices() -> QuerySet[Device]:
    """Those of an app in an environment."""
    of_app = Device.objects.filter(bundle_id=OuterRef("app__bundle_id"))
    return of_app.filter(environment=OuterRef("environment"))


def _people() -> QuerySet[User]:
    """Everybody, with the names of their groups."""
    names = Group.objects.filter(user=OuterRef("pk")).order_by("name").values("name")
    return User.objects.annotate(group_names=ArraySubquery(names)).order_by("username")


def _card(app: App, refused: Refused, now: datetime) -> AppCard:
    keys = [
        Key(key, key.last_accepted_at, key.devices, warning_of(key.expires_at, now))
        for key in app.credentials.all()
    ]
    form = _form_of(AppForm, app, "app", refused)
    return AppCard(app, keys, form, app.waiting, app.limited)


def _form_of(made: type[ModelForm], row: App | Feed, name: str, refused: Refused):
    if type(refused) is made and refused.instance.pk == row.pk:
        return refused
    return made(instance=row, auto_id=f"{name}-{row.pk}-%s")
