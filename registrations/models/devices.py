"""Who the phones are: devices, their push tokens, and who held which token when."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from registrations.models import lookups
from registrations.models.environments import Environment
from registrations.models.lookups import Fingerprint
from registrations.storable import clean, short


def masked(token: str) -> str:
    """The first 6 and last 4 characters of a token."""
    return f"{token[:6]}…{token[-4:]}"


class DeviceQuerySet(models.QuerySet["Device"]):
    """Devices …"""

    def bound_at(self, now) -> DeviceQuerySet:
        """… with a binding that has not expired at `now`."""
        alive = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=now)
        return self.filter(alive, bound=True)

    def learn(self, aor: str, instance_id: str, token: PushToken) -> Device:
        """The device a SIP server wants pushed with a token no REGISTER has shown us.

        Not bound and never registered: `is_learned` until a REGISTER confirms it. The
        identity is that of `registrations.devices.identify`, so the REGISTER finds it.
        """
        aor, instance_id = short(clean(aor)), short(clean(instance_id))
        who = instance_id or f"{token.bundle_id} {token.token}"
        device, _ = self.get_or_create(
            identity=short(f"{aor} {who}"),
            defaults={
                "aor": aor,
                "instance_id": instance_id or None,
                "bundle_id": token.bundle_id,
                "environment": token.environment,
                "first_seen_at": token.first_seen_at,
            },
        )
        Holding.objects.get_or_create(
            device=device,
            token=token,
            current=True,
            defaults={"since": token.first_seen_at},
        )
        self.filter(pk=device.pk).update(settled=False)
        return device

    def unlearn(self, aor: str, token: PushToken, now: datetime) -> None:
        """End what devices learned under this AOR hold of the token: it is another's."""
        learned = self.filter(aor=aor, feed=None, last_seen_at=None)
        held = Holding.objects.filter(device__in=learned, token=token, current=True)
        held.update(current=False, until=now)


class Device(models.Model):
    """One AOR on one instance of the app.

    `identity` is decided in `registrations.devices.identify` and nowhere else.
    """

    identity = models.TextField()
    aor = models.TextField()
    instance_id = models.TextField(null=True, default=None)
    contact = models.TextField(blank=True, default="")
    user_agent = models.TextField(blank=True, default="")
    #: RFC 8599 parameters of the newest Contact, as received.
    pn_provider = models.TextField(blank=True, default="")
    pn_param = models.TextField(blank=True, default="")
    team_id = models.TextField(blank=True, default="")
    bundle_id = models.TextField(blank=True, default="")
    environment = models.TextField(
        blank=True, default="", choices=[("", "unknown"), *Environment.choices]
    )
    #: The newest accepted REGISTER bound a Contact (expiry by time is looked at apart).
    bound = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, default=None)
    #: Null while the device was only challenged, or where the log has no times.
    last_registered_at = models.DateTimeField(null=True, default=None)
    first_seen_at = models.DateTimeField(null=True, default=None)
    last_seen_at = models.DateTimeField(null=True, default=None)
    #: Its newest registration rests on the feed's `assume_accepted`.
    assumed = models.BooleanField(default=False)
    #: Ever accepted by the registrar; False for a device that was only challenged.
    accepted = models.BooleanField(default=False)
    call_id = models.TextField(blank=True, default="")
    cseq = models.BigIntegerField(null=True, default=None)
    #: What is wrong with its push parameters: a list of {"rule", "detail"}.
    problems = models.JSONField(default=list)
    #: The registrar's newest no: {"status", "moment", "contact", "unheld"}, until it says
    #: yes. `unheld`: kind → token the phone believes it registered and nobody holds.
    refusal = models.JSONField(null=True, default=None)
    #: Its holdings are the tokens of its Contact and none is missing: a REGISTER that repeats
    #: the Contact changes none of them.
    settled = models.BooleanField(default=False, db_default=False)
    #: The voip token among them. No constraint: a check for each costs more than the row.
    voip = models.ForeignKey(
        "registrations.PushToken",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    #: The feed that saw it last. No index: it would make every refresh rewrite all of them. No
    #: constraint: each device that another feed sees was checked at the commit.
    feed = models.ForeignKey(
        "registrations.Feed",
        null=True,
        on_delete=models.SET_NULL,
        related_name="devices",
        db_index=False,
        db_constraint=False,
    )

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        # No index holds what a refresh changes, so that PostgreSQL updates in place (HOT).
        constraints = [
            models.UniqueConstraint(fields=["identity"], name="device_is_one_identity")
        ]
        indexes = [
            # push --aor, search, "other devices of this AOR"
            models.Index(fields=["aor"], name="device_by_aor"),
            # "same phone, other AOR": reinstall and restore
            models.Index(fields=["instance_id"], name="device_by_instance"),
            *lookups.DEVICES_BY,
        ]

    def __str__(self) -> str:
        return self.aor

    @property
    def is_learned(self) -> bool:
        """Known from a SIP server's wish to push alone: no REGISTER, no binding was read."""
        return self.feed_id is None and self.last_seen_at is None


class PushTokenQuerySet(models.QuerySet["PushToken"]):
    """Tokens …"""

    def of_fingerprint(self, bundle_id: str, fingerprint: str) -> PushTokenQuerySet:
        """… for VoIP pushes to this app, whose SHA-256 this is in hex."""
        known = self.annotate(fingerprint=Fingerprint("token"))
        return known.filter(
            kind="voip", bundle_id=bundle_id, fingerprint=bytes.fromhex(fingerprint)
        )


class PushToken(models.Model):
    """One install's token of one kind. The strike ledger belongs to the voip one."""

    class Kind(models.TextChoices):
        VOIP = "voip", "VoIP"  #: a PushKit token
        REMOTE = "remote", _("Remote")  #: a token for alert and background pushes

    environment = models.TextField(choices=Environment.choices)
    bundle_id = models.TextField()
    kind = models.TextField(choices=Kind.choices)
    #: Lower-case, as stored and compared; `parse` prints it as received.
    token = models.TextField()
    first_seen_at = models.DateTimeField(null=True, default=None)
    #: When a REGISTER last carried it, as of its newest holding that ended or began; for
    #: one that is held now ask `registered_at`.
    last_registered_at = models.DateTimeField(null=True, default=None)

    objects = PushTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "bundle_id", "kind", "token"],
                name="pushtoken_is_one_install",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["voip", "remote"]), name="pushtoken_kind"
            ),
        ]
        indexes = [
            *lookups.TOKENS_BY,
            # beacons: which token an app speaks of
            models.Index(
                Fingerprint("token"),
                condition=models.Q(kind="voip"),
                name="pushtoken_by_fingerprint",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.masked}"

    @property
    def masked(self) -> str:
        """The first 6 and last 4 characters: the only form a page or a log shows."""
        return masked(self.token)

    @property
    def registered_at(self) -> datetime | None:
        """When a REGISTER last carried it: that of the devices that hold it now, too.

        Not stored with every refresh: two more rows written for each REGISTER.
        """
        held = self.holdings.filter(current=True, missing_since=None)
        newest = held.aggregate(at=models.Max("device__last_registered_at"))["at"]
        moments = (newest, self.last_registered_at)
        return max((moment for moment in moments if moment is not None), default=None)


class Holding(models.Model):
    """A device held a token from `since` to `until`."""

    device = models.ForeignKey(
        Device, on_delete=models.CASCADE, related_name="holdings"
    )
    token = models.ForeignKey(
        PushToken, on_delete=models.CASCADE, related_name="holdings"
    )
    current = models.BooleanField(default=True)
    #: Null where the log carries no times.
    since = models.DateTimeField(null=True, default=None)
    until = models.DateTimeField(null=True, default=None)
    #: REGISTERs lack the token since then: lost when log time has gone 60 s further.
    missing_since = models.DateTimeField(null=True, default=None)
    missing_position = models.BigIntegerField(null=True, default=None)
    #: The feed whose log time counts.
    missing_feed = models.ForeignKey(
        "registrations.Feed",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )

    class Meta:
        ordering = ["id"]
        indexes = [
            # ingest: tokens missing for 60 s
            models.Index(
                fields=["missing_feed", "missing_since"],
                condition=models.Q(missing_since__isnull=False),
                name="holding_missing",
            ),
            *lookups.HOLDINGS_BY,
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["device", "token"],
                condition=models.Q(current=True),
                name="holding_is_current_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.device_id} holds {self.token_id}"


class DeviceEvent(models.Model):
    """A turning point of a device: what was before and after (null: nothing). Append-only."""

    class Kind(models.TextChoices):
        REINSTALLED = "reinstalled"  #: same token, new instance: strikes reset
        TOKEN_CHANGED = (
            "token_changed"  #: same instance, new token (restore): a new ledger
        )
        TOKEN_LOST = "token_lost"  #: missing from every REGISTER for 60 s
        LOGGED_OUT = "logged_out"  #: de-registered, or all its tokens gone

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="events")
    token = models.ForeignKey(
        PushToken, null=True, on_delete=models.CASCADE, related_name="events"
    )
    kind = models.TextField(choices=Kind.choices)
    moment = models.DateTimeField(null=True, default=None)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    feed = models.ForeignKey(
        "registrations.Feed", on_delete=models.CASCADE, related_name="device_events"
    )
    position = models.BigIntegerField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.device_id}"


Device._meta.get_field("aor").register_lookup(lookups.Name)
Device._meta.get_field("user_agent").register_lookup(lookups.Head)
PushToken._meta.get_field("token").register_lookup(lookups.Backwards)
