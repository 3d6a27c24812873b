"""What became of each call: its verdict, and the verdicts it had before."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.audit import AppendOnlyQuerySet
from notifications.models.builds import Build
from registrations.models import Feed, PushToken


class Call(models.Model):
    """All pushes with one Call-ID to one voip token: one call, one verdict.

    Written by `notifications.handling` alone. An `evidence` is a copy
    {"kind", "moment", "feed", "file", "position", "line"}: files rotate, partitions go.
    """

    class Verdict(models.TextChoices):
        AWAITED = (
            "awaited",
            _("Awaited"),
        )  #: no proof yet, and the deadline is not surely past
        HANDLED = "handled", _("Handled")  #: proof that the app woke; ends a run
        UNHANDLED = "unhandled", _("Unhandled")  #: a strike
        EXEMPT = "exempt", _("Exempt")  #: the app was open anyway
        NOT_COUNTED = "not_counted", _("Not counted")  #: says nothing either way

    token = models.ForeignKey(PushToken, on_delete=models.CASCADE, related_name="calls")
    call_id = models.TextField()
    #: Pushes of it that APNs accepted.
    pushes_accepted = models.PositiveIntegerField(default=0)
    #: The first push's departure, the newest acceptance, and acceptance + wake_window.
    sent_at = models.DateTimeField(null=True, default=None)
    accepted_at = models.DateTimeField(null=True, default=None)
    handle_by = models.DateTimeField(null=True, default=None)
    verdict = models.TextField(choices=Verdict.choices, default=Verdict.AWAITED)
    #: Which rule of PRODUCT.md decided: `register`, `no_proof`, `late`, `gap` …
    rule = models.TextField(blank=True, default="")
    evidence = models.JSONField(null=True, default=None)
    #: Moment of the proof − accepted_at of the first accepted push.
    wake_time = models.DurationField(null=True, default=None)
    witnessed = models.BooleanField(default=False)
    #: Feeds whose lag holds the verdict: a list of {"feed", "behind_seconds", "why"}.
    held_by = models.JSONField(default=list)
    #: The slowest of these feeds: once it is read past the deadline, the call is judged.
    waits_for = models.ForeignKey(
        Feed, null=True, default=None, on_delete=models.SET_NULL, related_name="+"
    )
    judged_at = models.DateTimeField(null=True, default=None)
    #: What the phone ran when the call was first known: it may be updated later.
    build = models.ForeignKey(
        Build,
        null=True,
        default=None,
        on_delete=models.SET_NULL,
        related_name="calls",
        db_index=False,
    )
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
            # looking: open calls by the feed they wait for and their deadline
            models.Index(
                fields=["waits_for", "handle_by"],
                condition=models.Q(verdict="awaited"),
                name="call_open",
            ),
            # risk: the calls of one token in order; live: calls of the last 15 minutes
            models.Index(fields=["token", "sent_at"], name="call_of_token"),
            # ledgers: where the run that stands may begin
            models.Index(
                fields=["token", "sent_at"],
                condition=models.Q(verdict="handled"),
                name="call_handled",
            ),
            models.Index(
                fields=["sent_at"],
                include=["verdict", "pushes_accepted"],
                name="call_by_time",
            ),
            # Pushes and Failures pages: the verdicts that are rare, newest first
            models.Index(
                fields=["verdict", "-sent_at"],
                include=["id", "pushes_accepted", "token"],
                condition=~models.Q(verdict="handled"),
                name="call_by_verdict",
            ),
            models.Index(
                fields=["-sent_at"],
                condition=models.Q(rule="late"),
                name="call_late",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call_id} {self.verdict}"


class VerdictChange(models.Model):
    """A verdict that was given and then overturned. Append-only."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    #: What stood before, since when, and what stands instead.
    verdict = models.TextField(choices=Call.Verdict.choices)
    rule = models.TextField(blank=True, default="")
    evidence = models.JSONField(null=True, default=None)
    judged_at = models.DateTimeField()
    became = models.TextField(choices=Call.Verdict.choices)
    became_rule = models.TextField(blank=True, default="")

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.call_id} {self.verdict} became {self.became}"
