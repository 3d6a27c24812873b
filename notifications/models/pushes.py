"""What we were asked to deliver, every try of it, and what became of each call."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from notifications.models.applications import App
from notifications.models.audit import AppendOnlyQuerySet
from registrations.models import Device, Environment, PushToken


class Call(models.Model):
    """All pushes with one Call-ID to one voip token: one call, one verdict.

    Written by `notifications.handling` alone. An `evidence` is a copy
    {"kind", "moment", "feed", "file", "position", "line"}: files rotate, partitions go.
    """

    class Verdict(models.TextChoices):
        AWAITED = "awaited"  #: no proof yet, and the deadline is not surely past
        HANDLED = "handled"  #: proof that the app woke; ends a run
        UNHANDLED = "unhandled"  #: a strike
        EXEMPT = "exempt"  #: the app was open anyway
        NOT_COUNTED = "not_counted"  #: says nothing either way

    token = models.ForeignKey(PushToken, on_delete=models.CASCADE, related_name="calls")
    call_id = models.TextField()
    #: Pushes of it that APNs accepted.
    pushes_accepted = models.PositiveIntegerField(default=0)
    #: The first push's departure, the newest acceptance, and acceptance + wake_window.
    sent_at = models.DateTimeField(null=True, default=None)
    accepted_at = models.DateTimeField(null=True, default=None)
    handle_by = models.DateTimeField(null=True, default=None)
    verdict = models.TextField(choices=Verdict.choices, default=Verdict.AWAITED)
    #: Which rule of PRODUCT.md decided: `register`, `no_proof`, `late`, `ambiguous` …
    rule = models.TextField(blank=True, default="")
    evidence = models.JSONField(null=True, default=None)
    #: Moment of the proof − accepted_at of the first accepted push.
    wake_time = models.DurationField(null=True, default=None)
    witnessed = models.BooleanField(default=False)
    #: Feeds whose lag holds the verdict: a list of {"feed", "behind_seconds", "why"}.
    held_by = models.JSONField(default=list)
    judged_at = models.DateTimeField(null=True, default=None)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["token", "call_id"], name="call_one_a_token"
            ),
            models.CheckConstraint(
                condition=~models.Q(verdict="handled")
                | models.Q(evidence__isnull=False),
                name="call_handled_names_its_proof",
            ),
        ]
        indexes = [
            # handling.settle: calls still open, or judged so lately that proof may come
            models.Index(fields=["verdict", "handle_by"], name="call_open"),
            # risk: the calls of one token in order; live: calls of the last 15 minutes
            models.Index(fields=["token", "sent_at"], name="call_of_token"),
            models.Index(fields=["sent_at"], name="call_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.call_id} {self.verdict}"


class Push(models.Model):
    """One push we were asked to deliver. Its row is the queue: Celery only wakes a worker."""

    class Type(models.TextChoices):
        VOIP = "voip", "VoIP"  #: must be reported to CallKit
        ALERT = "alert"  #: a remote push that shows something
        BACKGROUND = "background"  #: a remote push that shows nothing

    class State(models.TextChoices):
        QUEUED = "queued"  #: waits for a worker
        SENDING = "sending"  #: a worker holds it
        ACCEPTED = "accepted"  #: APNs took it: not "delivered"
        REJECTED = "rejected"  #: APNs refused it, with a reason
        UNKNOWN = "unknown"  #: left the house, no answer
        FAILED = "failed"  #: tries used up, nothing left the house
        EXPIRED = "expired"  #: life over before a sure send
        CANCELLED = "cancelled"  #: withdrawn before it was sent
        HELD = "held"  #: kept back by protect mode

    FINAL = frozenset(
        {"accepted", "rejected", "unknown", "failed", "expired", "cancelled", "held"}
    )

    class Origin(models.TextChoices):
        COMMAND = "command"  #: manage.py push
        RESEND = "resend"  #: a person's decision on a page
        TEST = "test"  #: a person's test push
        REHEARSAL = "rehearsal"  #: the simulated callers of the demo
        OBSERVED = "observed"  #: a SIP server sent it by itself

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
    origin = models.TextField(choices=Origin.choices)
    push_type = models.TextField(choices=Type.choices)
    environment = models.TextField(choices=Environment.choices)
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
    #: The worker that holds it (an advisory lock's number), and the moment it put the newest
    #: try on the wire: what a dead worker leaves behind tells `unknown` from `queued`.
    owner = models.BigIntegerField(null=True, default=None)
    departed_at = models.DateTimeField(null=True, default=None)
    sent_at = models.DateTimeField(null=True, default=None)
    accepted_at = models.DateTimeField(null=True, default=None)
    ended_at = models.DateTimeField(null=True, default=None)
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
            models.Index(fields=["device", "-created_at"], name="push_of_device"),
            models.Index(fields=["token", "sent_at"], name="push_of_token"),
            # search by Call-ID
            models.Index(fields=["call_id"], name="push_by_call"),
            # Failures page
            models.Index(
                fields=["-ended_at"],
                condition=models.Q(
                    state__in=["rejected", "unknown", "failed", "expired"]
                ),
                name="push_failures",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.push_type} {self.id}"


class Attempt(models.Model):
    """One try of a push. Append-only."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted"  #: APNs answered 200
        REJECTED = "rejected"  #: APNs answered with a reason
        NOT_SENT = "not_sent"  #: surely never processed: may be retried
        UNKNOWN = "unknown"  #: left, no answer

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

    def __str__(self) -> str:
        return f"{self.push_id} #{self.number} {self.outcome}"
