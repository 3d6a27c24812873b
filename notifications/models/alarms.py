"""Which alarms stand, and since when each stands or is quiet."""

from __future__ import annotations

from django.db import models


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
