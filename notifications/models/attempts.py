"""Every try of a push."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from notifications.models.audit import AppendOnlyQuerySet
from notifications.models.pushes import Push

#: APNs gave it an id that is not ours: a SIP server sent it.
OF_ANOTHER = ~models.Q(apns_id="") & ~models.Q(
    apns_id=Cast(models.F("push"), models.TextField())
)


class Attempt(models.Model):
    """One try of a push. Append-only."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")  #: APNs answered 200
        REJECTED = "rejected", _("Rejected")  #: APNs answered with a reason
        NOT_SENT = "not_sent", _("Not Sent")  #: surely never processed: may be retried
        UNKNOWN = "unknown", _("Unknown")  #: left, no answer

    push = models.ForeignKey(Push, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    outcome = models.TextField(choices=Outcome.choices)
    status = models.PositiveSmallIntegerField(null=True, default=None)
    reason = models.TextField(blank=True, default="")
    #: What happened where APNs gave no reason: the error in words.
    detail = models.TextField(blank=True, default="")
    apns_id = models.TextField(blank=True, default="")
    apns_unique_id = models.TextField(blank=True, default="")
    #: Apple's timestamp of a 410.
    gone_since = models.DateTimeField(null=True, default=None)
    latency_ms = models.FloatField(null=True, default=None)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["push", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["push", "number"], name="attempt_number_once"
            )
        ]
        indexes = [
            # search by an apns-id that is not ours: what a SIP server sent
            models.Index(
                fields=["apns_id"],
                condition=OF_ANOTHER,
                name="attempt_of_another",
            )
        ]

    def __str__(self) -> str:
        return f"{self.push_id} #{self.number} {self.outcome}"

    @property
    def answer(self) -> str:
        """What came back: status and reason, or what happened instead."""
        words = (self.status, self.reason or self.detail)
        return " ".join(str(word) for word in words if word)
