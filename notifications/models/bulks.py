"""Resends of many pushes at once: the order a person gave, and one row a push."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.pushes import Push


class Bulk(models.Model):
    """One order to resend many pushes. Its id is the key of the form that gave it, so a form
    sent twice is one order.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Running")  #: rows wait, or wait to be undone
        CANCELLED = "cancelled", _("Cancelled")  #: a person stopped it
        DONE = "done", _("Done")  #: every row has its result

    class Kind(models.TextChoices):
        REMOTE = "remote", _("As they were, VoIP pushes left out")
        ALERT = "alert", _("A remote alert for each")
        SAME = "same", _("As they were: the phones of VoIP pushes ring")

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    #: Nothing leaves before this moment: the undo window.
    starts_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.TextField(choices=Kind.choices)
    #: The address on Pushes that chose the rows; empty: they were chosen one by one.
    address = models.TextField(blank=True, default="")
    #: Pushes a second.
    rate = models.PositiveSmallIntegerField()
    state = models.TextField(choices=State.choices, default=State.RUNNING)
    #: When rows were taken last: keeps the rate over all workers.
    worked_at = models.DateTimeField(null=True, default=None)
    ended_at = models.DateTimeField(null=True, default=None)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"bulk {self.id}"


class BulkItem(models.Model):
    """One push of a bulk, and what came of it."""

    class Result(models.TextChoices):
        WAITING = "waiting"  #: its turn comes
        QUEUED = "queued"  #: resent: `resend` is the new push
        REFUSED = "refused"  #: not resent; `why` says it
        CANCELLED = "cancelled"  #: the bulk was stopped before its turn

    bulk = models.ForeignKey(Bulk, on_delete=models.PROTECT, related_name="items")
    push = models.ForeignKey(Push, on_delete=models.PROTECT, related_name="bulk_items")
    push_type = models.TextField(choices=Push.Type.choices)
    result = models.TextField(choices=Result.choices, default=Result.WAITING)
    why = models.TextField(blank=True, default="")
    resend = models.OneToOneField(
        Push, null=True, on_delete=models.PROTECT, related_name="bulk_item"
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            # Two people, two tabs: a push is resent by one bulk, ever.
            models.UniqueConstraint(
                fields=["push"],
                condition=models.Q(result__in=["waiting", "queued"]),
                name="bulk_resends_a_push_once",
            )
        ]
        indexes = [
            # bulk.work_off: what waits, in order
            models.Index(
                fields=["bulk", "id"],
                condition=models.Q(result="waiting"),
                name="bulk_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.push_id} {self.result}"
