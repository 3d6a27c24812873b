"""Which app build ran on which phone, and the builds that stopped waking."""

from __future__ import annotations

from django.db import models


class Build(models.Model):
    """One User-Agent, taken apart by `notifications.agents`; a call keeps the one it rang."""

    user_agent = models.TextField(unique=True)
    name = models.TextField()
    version = models.TextField()
    #: A model, as `iPhone 13`: never the name a person gave the phone.
    phone = models.TextField()
    ios = models.TextField()

    def __str__(self) -> str:
        return self.user_agent


class Past(models.Model):
    """How the calls to one version went in the days before `until`: counted once an hour, for
    looking through a week of calls each half minute would cost more than all else.
    """

    name = models.TextField()
    version = models.TextField(blank=True, default="")
    until = models.DateTimeField()
    unhandled = models.PositiveIntegerField()
    judged = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="past_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version} before {self.until}"


class RegressionAlarm(models.Model):
    """What `notifications.releases` found at its last look; gone when it found it no more."""

    class Kind(models.TextChoices):
        RELEASE = "release"  #: this version, while others are well
        PLATFORM = "platform"  #: all versions of the app at once
        UNCLEAR = "unclear"  #: nothing to compare the only version in use with

    kind = models.TextField(choices=Kind.choices)
    #: The app as its User-Agent says, and the version; empty for a platform-wide drop.
    name = models.TextField()
    version = models.TextField(blank=True, default="")
    now_unhandled = models.PositiveIntegerField()
    now_judged = models.PositiveIntegerField()
    before_unhandled = models.PositiveIntegerField()
    before_judged = models.PositiveIntegerField()
    since = models.DateTimeField()
    looked_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "-since", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "name", "version"], name="regressionalarm_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.version}"
