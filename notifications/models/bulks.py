"""What a person does to many at once: the order, and one row a push or a device."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.pushes import Push
from registrations.models import Device


class Bulk(models.Model):
    """One order to resend many pushes, or to test or reset many devices. Its id is the key of
    the form that gave it, so a form sent twice is one order.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Running")  #: rows wait, or wait to be undone
        CANCELLED = "cancelled", _("Cancelled")  #: a person stopped it
        DONE = "done", _("Done")  #: every row has its result

    class Kind(models.TextChoices):
        REMOTE = "remote", _("As they were, VoIP pushes left out")
        ALERT = "alert", _("A remote alert for each")
        SAME = "same", _("As they were: the phones of VoIP pushes ring")
        TEST = "test", _("A remote test push to each device")
        RESET = "reset", _("The strikes of each device reset")

    #: Of pushes the first three, of devices the others.
    RESENDS = (Kind.REMOTE, Kind.ALERT, Kind.SAME)
    OF_DEVICES = (Kind.TEST, Kind.RESET)

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField()
    #: Nothing leaves before this moment: the undo window.
    starts_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.TextField(choices=Kind.choices)
    #: The address of the list that chose the rows; empty: they were chosen one by one.
    address = models.TextField(blank=True, default="")
    reason = models.TextField(blank=True, default="", db_default="")
    #: Rows a second.
    rate = models.PositiveSmallIntegerField()
    state = models.TextField(choices=State.choices, default=State.RUNNING)
    #: When rows were taken last: keeps the rate over all workers.
    worked_at = models.DateTimeField(null=True, default=None)
    ended_at = models.DateTimeField(null=True, default=None)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"bulk {self.id}"

    @property
    def is_of_devices(self) -> bool:
        """Its rows are devices."""
        return self.kind in self.OF_DEVICES


class BulkItem(models.Model):
    """One push or device of a bulk, and what came of it."""

    class Result(models.TextChoices):
        WAITING = "waiting"  #: its turn comes
        QUEUED = "queued"  #: `resend` is the new push
        RESET = "reset"  #: its strikes were reset
        REFUSED = "refused"  #: not done; `why` says it
        CANCELLED = "cancelled"  #: the bulk was stopped before its turn

    bulk = models.ForeignKey(Bulk, on_delete=models.PROTECT, related_name="items")
    push = models.ForeignKey(
        Push, null=True, on_delete=models.PROTECT, related_name="bulk_items"
    )
    device = models.ForeignKey(
        Device, null=True, on_delete=models.PROTECT, related_name="bulk_items"
    )
    #: Empty where no push leaves.
    push_type = models.TextField(blank=True, choices=Push.Type.choices)
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
            ),
            # Nor does a device wait for the same thing in two of them.
            models.UniqueConstraint(
                fields=["device", "push_type"],
                condition=models.Q(result="waiting"),
                name="bulk_has_a_device_once",
            ),
            models.CheckConstraint(
                condition=models.Q(push=None) ^ models.Q(device=None),
                name="bulk_item_is_a_push_or_a_device",
            ),
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
        return f"{self.push_id or self.device_id} {self.result}"

    @property
    def whom(self) -> Device:
        """The device it is about."""
        return self.device or self.push.device
