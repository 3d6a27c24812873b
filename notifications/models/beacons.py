"""The secrets apps sign their beacons with, and what became of the beacons."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.applications import App


class BeaconSecret(models.Model):
    """A secret of an app; the one before the newest still works."""

    app = models.ForeignKey(
        App, on_delete=models.CASCADE, related_name="beacon_secrets"
    )
    #: Sealed by `notifications.credentials`; shown once, when it is made.
    sealed = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["app", "-id"]

    def __str__(self) -> str:
        return f"{self.app} {self.created_at}"


class BeaconCount(models.Model):
    """How many beacons of an app ended so, and when the last one did."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")  #: evidence from now on
        FORGED = "forged", _("Forged")  #: no secret of the app made it
        STALE = "stale", _("Stale")  #: more than 5 minutes old, or from the future
        REPEATED = "repeated", _("Repeated")  #: heard before
        LIMITED = "limited", _("over the limit")  #: too many of this device or app
        UNKNOWN_TOKEN = "unknown_token", _("of no known token")  #: no device holds it

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="beacons")
    outcome = models.TextField(choices=Outcome.choices)
    count = models.BigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["app", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["app", "outcome"], name="beaconcount_one_an_outcome"
            )
        ]

    def __str__(self) -> str:
        return f"{self.app} {self.outcome} {self.count}"
