"""Which alarms stand, since when each stands or is quiet, and how much each feed gives."""

from __future__ import annotations

from django.db import models

from registrations.models import Feed


class FeedPace(models.Model):
    """How many REGISTERs a minute a feed gave between the last two looks of
    `notifications.alarm_watch`, its one writer.
    """

    feed = models.OneToOneField(
        Feed, on_delete=models.CASCADE, related_name="pace", primary_key=True
    )
    looked_at = models.DateTimeField()
    #: As the feed had counted then.
    registers = models.BigIntegerField()
    per_minute = models.FloatField(null=True, default=None)

    def __str__(self) -> str:
        return f"{self.feed_id}: {self.per_minute}"


class AlarmState(models.Model):
    """One alarm as it was at the last look. Written by `notifications.alarm_watch` alone."""

    class Rule(models.TextChoices):
        CREDENTIAL = "credential"  #: APNs refuses a credential
        JUMP = "jump"  #: tokens of another environment or topic
        RELEASE = "release"  #: a release stopped waking
        SOURCE = "source"  #: a source is behind or silent
        CERTIFICATE = "certificate"  #: a certificate ends
        SUSPECTED = "suspected"  #: a phone is suspected blacklisted

    rule = models.TextField(choices=Rule.choices, unique=True)
    is_firing = models.BooleanField()
    #: When a look first found it so.
    since = models.DateTimeField()
    looked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.rule} {'firing' if self.is_firing else 'quiet'} {self.since}"
