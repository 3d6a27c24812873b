"""What an app's pushes say, and calls that are told by alert again and again."""

from __future__ import annotations

from django.db import models

from notifications.models.applications import App
from notifications.models.pushes import Push


class PayloadTemplate(models.Model):
    """An app's own payload for one kind of push; without it the default goes."""

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="templates")
    kind = models.TextField(choices=Push.Kind.choices)
    #: JSON whose texts hold placeholders (`notifications.payloads`).
    body = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "kind"], name="payloadtemplate_one_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.app} {self.kind}"


class Ringing(models.Model):
    """A call that is told by alert, repeated until it ends (`notifications.ringing`)."""

    push = models.OneToOneField(Push, on_delete=models.CASCADE, related_name="ringing")
    interval_seconds = models.PositiveSmallIntegerField()
    next_at = models.DateTimeField()
    until = models.DateTimeField()
    #: `missed`, `accepted`, `declined`, `answered` here; empty while it rings.
    ended = models.TextField(blank=True, default="")

    class Meta:
        # ringing.ring: those due
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=models.Q(ended=""),
                name="ringing_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.push_id} each {self.interval_seconds} s {self.ended}"
