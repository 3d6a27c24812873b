"""What we were asked to deliver."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.models.applications import App
from notifications.models.calls import Call
from notifications.models.gateway import ApiToken
from registrations.models import Device, Environment, PushToken


class PushQuerySet(models.QuerySet):
    """Pushes …"""

    def held_by(self, owner: int | None) -> PushQuerySet:
        """… a worker has claimed and not recorded yet."""
        return self.filter(state=Push.State.SENDING, owner=owner)


class Push(models.Model):
    """One push we were asked to deliver. Its row is the queue: Celery only wakes a worker."""

    class Type(models.TextChoices):
        VOIP = "voip", _("VoIP")  #: must be reported to CallKit
        ALERT = "alert", _("Alert")  #: a remote push that shows something
        BACKGROUND = "background", _("Background")  #: a remote push that shows nothing

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")  #: waits for a worker
        SENDING = "sending", _("Sending")  #: a worker holds it
        ACCEPTED = "accepted", _("Accepted")  #: APNs took it: not "delivered"
        REJECTED = "rejected", _("Rejected")  #: APNs refused it, with a reason
        UNKNOWN = "unknown", _("Unknown")  #: left the house, no answer
        FAILED = "failed", _("Failed")  #: tries used up, nothing left the house
        EXPIRED = "expired", _("Expired")  #: life over before a sure send
        CANCELLED = "cancelled", _("Cancelled")  #: withdrawn before it was sent
        HELD = "held", _("Held")  #: kept back by protect mode

    FINAL = frozenset(
        {"accepted", "rejected", "unknown", "failed", "expired", "cancelled", "held"}
    )

    class Origin(models.TextChoices):
        COMMAND = "command", _("Command")  #: manage.py push
        RESEND = (
            "resend",
            pgettext_lazy("origin", "Resend"),
        )  #: a person's decision on a page
        TEST = "test", _("Test")  #: a person's test push
        REHEARSAL = "rehearsal", _("Rehearsal")  #: the simulated callers of the demo
        GATEWAY = "gateway", _("Gateway")  #: Flexisip asked for it
        API = "api", _("API")  #: a program asked for it over REST
        OBSERVED = "observed", _("Observed")  #: a SIP server sent it by itself
        PROTECT = (
            "protect",
            _("Protect"),
        )  #: in place of a VoIP push that protect mode held

    class Kind(models.TextChoices):
        CALL = "call", _("Call")  #: VoIP: CallKit shows it
        MESSAGE = "message", _("Message")  #: the app's extension may change it
        GROUP_CHAT = "group_chat", _("Group chat")  #: an invitation to one
        CALL_ALERT = "call_alert", _("Call by alert")  #: for apps without CallKit
        CALL_END = "call_end", _("End of a call")  #: missed, or taken elsewhere
        WAKE = "wake", _("Wake-up")  #: background: shows nothing

    #: Also the apns-id.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="pushes")
    token = models.ForeignKey(
        PushToken, on_delete=models.PROTECT, related_name="pushes"
    )
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="pushes")
    sip_call = models.ForeignKey(
        Call, null=True, on_delete=models.SET_NULL, related_name="pushes"
    )
    #: Its call knows of it; for a remote push, the calls around it do.
    gathered = models.BooleanField(default=False, db_default=False)
    origin = models.TextField(choices=Origin.choices)
    push_type = models.TextField(choices=Type.choices)
    environment = models.TextField(choices=Environment.choices)
    #: Which payload it has; empty: a SIP server made it.
    kind = models.TextField(choices=Kind.choices, blank=True, default="", db_default="")
    topic = models.TextField()
    priority = models.PositiveSmallIntegerField()
    collapse_id = models.TextField(blank=True, default="")
    payload = models.JSONField()
    call_id = models.TextField(blank=True, default="")
    state = models.TextField(choices=State.choices, default=State.QUEUED)
    #: Apple's reason, or ours, of the newest try.
    reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    #: Not claimed before this moment (back-off of a retry).
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    #: The worker that holds it (an advisory lock's number), and since when: before that
    #: nothing of it can have left; after it the worker's journal tells.
    owner = models.BigIntegerField(null=True, default=None)
    claimed_at = models.DateTimeField(null=True, default=None)
    sent_at = models.DateTimeField(null=True, default=None)
    accepted_at = models.DateTimeField(null=True, default=None)
    ended_at = models.DateTimeField(null=True, default=None)
    #: How often the same was asked for again: Flexisip repeats its requests.
    repeats = models.PositiveIntegerField(default=0, db_default=0)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    resend_of = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="resends"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="pushes",
    )
    #: The API token it was asked with.
    api_token = models.ForeignKey(
        ApiToken, null=True, on_delete=models.SET_NULL, related_name="pushes"
    )

    objects = PushQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(push_type="voip") | ~models.Q(call_id=""),
                name="push_voip_has_a_call_id",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="accepted")
                | models.Q(accepted_at__isnull=False),
                name="push_accepted_says_when",
            ),
            # Pushes page: none is looked for among them
            models.CheckConstraint(
                condition=~models.Q(state="accepted") | models.Q(reason=""),
                name="push_accepted_has_no_reason",
            ),
        ]
        indexes = [
            # delivery.claim: due rows of one queue, oldest first
            models.Index(
                fields=["push_type", "due_at"],
                condition=models.Q(state="queued"),
                name="push_queue",
            ),
            # delivery.reap: rows a dead worker holds
            models.Index(
                fields=["owner"],
                condition=models.Q(state="sending"),
                name="push_in_hand",
            ),
            # Pushes page, feed: newest first; the same of one device
            models.Index(fields=["-created_at", "-id"], name="push_newest"),
            # Live page: what left in the last hours
            models.Index(
                fields=["sent_at"],
                include=["push_type", "state"],
                name="push_by_departure",
            ),
            # Pushes page: an app, newest first; Settings: what APNs took of it last
            models.Index(
                fields=["app", "environment", "-created_at"], name="push_of_app"
            ),
            # Pushes page: what is rare, newest first
            models.Index(
                fields=["state", "-created_at"],
                condition=~models.Q(state="accepted"),
                name="push_not_accepted",
            ),
            models.Index(
                fields=["reason", "-created_at"],
                condition=~models.Q(reason=""),
                name="push_by_reason",
            ),
            models.Index(fields=["device", "-created_at"], name="push_of_device"),
            models.Index(fields=["token", "sent_at"], name="push_of_token"),
            # evidence: remote pushes around a call
            models.Index(
                fields=["device", "accepted_at"],
                condition=~models.Q(push_type="voip")
                & models.Q(accepted_at__isnull=False),
                name="push_remote",
            ),
            # gathering: pushes that ended, and that no call knows of yet
            models.Index(
                fields=["ended_at"],
                condition=models.Q(
                    gathered=False,
                    state__in=[
                        "accepted",
                        "rejected",
                        "unknown",
                        "failed",
                        "expired",
                        "held",
                    ],
                ),
                name="push_loose",
            ),
            # outbox: background pushes of the last hour to one device
            models.Index(
                fields=["device", "-due_at"],
                condition=models.Q(push_type="background"),
                name="push_wakes",
            ),
            # search by Call-ID
            models.Index(
                fields=["call_id"],
                opclasses=["text_pattern_ops"],
                name="push_by_call",
            ),
            # breaker: what APNs answered in the last minutes
            models.Index(
                fields=["ended_at"],
                condition=models.Q(state__in=["accepted", "rejected"]),
                name="push_answered",
            ),
            # Failures page
            models.Index(
                fields=["-ended_at"],
                include=["state", "reason", "push_type", "device", "app"],
                condition=models.Q(
                    state__in=["rejected", "unknown", "failed", "expired"]
                ),
                name="push_failures",
            ),
            models.Index(
                fields=["app", "-ended_at"],
                condition=models.Q(
                    state__in=["rejected", "unknown", "failed", "expired"]
                ),
                name="push_failures_of_app",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.push_type} {self.id}"

    def told(self, name: str) -> str:
        """A text its payload names, as `from-uri`; empty where it is none."""
        value = self.payload.get(name, "")
        return value if isinstance(value, str) else ""
