"""How many calls had which verdict, by hour and by day: no page counts a month of calls."""

from __future__ import annotations

from django.db import models

from notifications.models.builds import Build
from notifications.models.calls import Call


class Size(models.TextChoices):
    """The span of time one row stands for, by UTC."""

    HOUR = "hour"
    DAY = "day"


class CallCount(models.Model):
    """Calls sent in the hour or on the day that begins at `start` and are judged.

    Written by `notifications.sums` alone, with the verdicts.
    """

    size = models.TextField(choices=Size.choices)
    start = models.DateTimeField()
    build = models.ForeignKey(
        Build, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    verdict = models.TextField(choices=Call.Verdict.choices)
    rule = models.TextField()
    calls = models.IntegerField()
    #: Those APNs accepted; of a call without any, one.
    pushes = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["size", "start", "build", "verdict", "rule"],
                nulls_distinct=False,
                name="callcount_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.calls} {self.verdict} {self.size} {self.start}"


class WakeCount(models.Model):
    """Handled calls of the same span by the tenths of seconds their phones took to wake.

    By version, not by build: a year of days stays small.
    """

    size = models.TextField(choices=Size.choices)
    start = models.DateTimeField()
    #: The app as its User-Agent says, and the version; empty where it said nothing.
    name = models.TextField(blank=True)
    version = models.TextField(blank=True)
    #: Rounded up.
    tenth = models.IntegerField()
    calls = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["size", "start", "name", "version", "tenth"],
                name="wakecount_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.calls} woke after {self.tenth} {self.size} {self.start}"
