"""Append-only history in day partitions: registrations, signs of life, push lines.

The tables are made by SQL (`PARTITION BY RANGE (day)`); `registrations.partitions` makes
the day's partition before rows go in. `day` is the day of the moment, or of the reading
where the log carries no time or an impossible one.
"""

from __future__ import annotations

from django.db import models
from django.db.models.expressions import Func, Value

from registrations.models.devices import Device, PushToken
from registrations.models.feeds import Feed, LogFile

#: One sequence numbers every fact. (Identity columns of partitioned tables need PostgreSQL 17.)
NEXT_FACT = Func(Value("registrations_fact_id"), function="nextval")


class Fact(models.Model):
    """What every row of the history says: when, and where it can be read.

    No foreign keys in the database: a check for each costs more than the row itself, and
    its only writer takes them from rows it holds locked.
    """

    pk = models.CompositePrimaryKey("day", "id")
    day = models.DateField()
    id = models.BigIntegerField(db_default=NEXT_FACT)
    #: The fact's own moment; null where nothing gives one.
    moment = models.DateTimeField(null=True, default=None)
    #: The moment is that of reading: the record carried none, and was followed live.
    estimated = models.BooleanField(default=False)
    feed = models.ForeignKey(
        Feed,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    file = models.ForeignKey(
        LogFile,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    position = models.BigIntegerField()
    call_id = models.TextField(default="")
    #: The record itself without credentials, where it is news or evidence; else empty.
    line = models.TextField(default="")

    class Meta:
        abstract = True


class Registration(Fact):
    """One accepted REGISTER; its 401 round and retransmissions are folded into it."""

    class Kind(models.TextChoices):
        REGISTERED = "registered"  #: a new binding, or news in it
        REFRESHED = "refreshed"  #: the same binding again
        UNREGISTERED = "unregistered"  #: expires=0 or Contact: *

    device = models.ForeignKey(
        Device,
        on_delete=models.CASCADE,
        related_name="registrations",
        db_index=False,
        db_constraint=False,
    )
    kind = models.TextField(choices=Kind.choices)
    cseq = models.BigIntegerField(null=True)
    #: Seconds granted or asked for; null where nothing says.
    expires = models.BigIntegerField(null=True)
    assumed = models.BooleanField(default=False)
    fingerprint = models.TextField(default="")

    class Meta:
        indexes = [
            # Device page: its registrations, newest first
            models.Index(fields=["device", "-moment"], name="registration_of_device"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.device_id} {self.moment}"


class SightingQuerySet(models.QuerySet["Sighting"]):
    """Sightings …"""

    def evidence(self) -> SightingQuerySet:
        """… that may prove something: they have a moment."""
        return self.filter(moment__isnull=False)


class Sighting(Fact):
    """A sign of life: anything a device did that shows it was awake."""

    class Kind(models.TextChoices):
        REGISTER = "register"  #: accepted by the registrar
        CHALLENGED = "challenged"  #: answered 401 or 407: awake, but no registration
        ANSWER = "answer"  #: a SIP answer of this device's own branch
        BEACON = "beacon"  #: the app's own word
        DIALOG = "dialog"  #: an INVITE of its own was answered with 2xx
        ENDED = "ended"  #: a BYE of the dialog with this Call-ID

    device = models.ForeignKey(
        Device,
        on_delete=models.CASCADE,
        related_name="sightings",
        db_index=False,
        db_constraint=False,
    )
    #: The voip token the record carried, when it carried one we know.
    token = models.ForeignKey(
        PushToken,
        null=True,
        on_delete=models.SET_NULL,
        related_name="sightings",
        db_index=False,
        db_constraint=False,
    )
    kind = models.TextField(choices=Kind.choices)
    #: The SIP status code, of an answer.
    code = models.SmallIntegerField(null=True, default=None)
    #: The feed's clock less ours when it was read: a fact like the moment it corrects.
    skew_ms = models.IntegerField(default=0, db_default=0)

    objects = SightingQuerySet.as_manager()

    class Meta:
        indexes = [
            # handling.settle: what this device, or any holder of this token, did since
            models.Index(fields=["device", "moment"], name="sighting_of_device"),
            models.Index(fields=["token", "moment"], name="sighting_of_token"),
            # handling: answers to a call
            models.Index(
                fields=["call_id"],
                condition=models.Q(kind="answer"),
                name="sighting_of_call",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.device_id} {self.moment}"


class PushLine(Fact):
    """A push that a SIP server sent by itself, read from its log."""

    token = models.TextField()
    push_type = models.TextField()
    #: What the server logged of it: `sent`, `successful`, `failed`, with its words in `line`.
    state = models.TextField()
    #: What ties `successful` and `failed` to their `sent`: a pointer of the server's.
    key = models.TextField(default="")
    topic = models.TextField(default="")
    instance_id = models.TextField(default="")
    #: APNs' answer, of `successful` and `failed`; null where none came.
    status = models.SmallIntegerField(null=True, default=None)
    reason = models.TextField(default="")
    apns_id = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["call_id"], name="pushline_of_call"),
            # notifications.observed: what is new in a feed
            models.Index(fields=["feed", "id"], name="pushline_of_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.push_type} {self.state} {self.moment}"
