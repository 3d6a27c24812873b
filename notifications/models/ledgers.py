"""What we conclude of each voip token, and the facts that are not in a log."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from registrations.models import Environment, Feed, PushToken


class Ledger(models.Model):
    """The strike ledger of one voip token: a cache with one writer, `notifications.handling`.

    Rebuilt from calls, sightings, device events and resets at any time, always equal.
    """

    class State(models.TextChoices):
        FINE = "fine", _("Fine")  #: no strikes
        NOT_WAKING = (
            "not_waking",
            _("App not waking"),
        )  #: below the threshold, seen alive since
        SUSPECTED = (
            "suspected",
            _("Suspected blacklisted"),
        )  #: threshold reached, one witnessed
        SILENT = (
            "silent",
            _("Silent"),
        )  #: strikes, and nothing seen: off, offline or blocked
        RECOVERED = "recovered", _("Recovered")  #: a run ended by proof, for 24 h
        RELEASED = "released", _("Released")  #: release_after since the last strike

    token = models.OneToOneField(
        PushToken, on_delete=models.CASCADE, related_name="ledger"
    )
    state = models.TextField(choices=State.choices, default=State.FINE)
    #: Unhandled calls in a row, and the pushes of them that APNs accepted.
    strikes = models.PositiveIntegerField(default=0)
    pushes = models.PositiveIntegerField(default=0)
    #: The strikes of the run, oldest first:
    #: {"call", "call_id", "sent_at", "pushes", "witnessed"}.
    run = models.JSONField(default=list)
    first_strike_at = models.DateTimeField(null=True, default=None)
    last_strike_at = models.DateTimeField(null=True, default=None)
    #: The newest sign of life, for the evidence sentence.
    last_sign_at = models.DateTimeField(null=True, default=None)
    #: The run that ended last: when, and how long it was.
    recovered_at = models.DateTimeField(null=True, default=None)
    recovered_strikes = models.PositiveIntegerField(default=0)
    threshold = models.PositiveSmallIntegerField(default=3)
    #: When the state changed last, and when time alone will change it next.
    since = models.DateTimeField()
    next_change_at = models.DateTimeField(null=True, default=None)

    class Meta:
        indexes = [
            # live: the risk board
            models.Index(
                fields=["state", "-strikes"],
                condition=~models.Q(state="fine"),
                name="ledger_board",
            ),
            # Devices page: most strikes first
            models.Index(
                fields=["-strikes", "-token"],
                condition=models.Q(strikes__gt=0),
                name="ledger_by_strikes",
            ),
            models.Index(
                fields=["next_change_at"],
                condition=models.Q(next_change_at__isnull=False),
                name="ledger_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.token} {self.state} {self.strikes}"


class Reset(models.Model):
    """A person reset the strikes of a token, with a reason. A fact like any other."""

    token = models.ForeignKey(
        PushToken, on_delete=models.CASCADE, related_name="resets"
    )
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.TextField()
    #: The ledger knows of it.
    counted = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["at"]
        indexes = [
            # looking: resets no ledger knows of yet
            models.Index(
                fields=["at"], condition=models.Q(counted=False), name="reset_new"
            ),
        ]

    def __str__(self) -> str:
        return f"reset {self.token} {self.at}"


class Looked(models.Model):
    """The newest reading of a feed that `handling.settle` has looked at."""

    feed = models.OneToOneField(Feed, on_delete=models.CASCADE, related_name="+")
    reading = models.BigIntegerField(default=0)
    #: The newest push line that `observed` has done with, and how many the feed had when
    #: it had done with all of them.
    push_line = models.BigIntegerField(default=0, db_default=0)
    push_line_count = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.feed_id} up to {self.reading}"


class TokenHealth(models.Model):
    """What APNs said of a token, newest word. `registrations` never learns of it."""

    class State(models.TextChoices):
        VALID = "valid", _("Valid")  #: accepted, or nothing said yet
        RETIRED = "retired", _("Gone")  #: 410 newer than the last REGISTER
        QUARANTINED = (
            "quarantined",
            _("Quarantined"),
        )  #: BadDeviceToken: perhaps the other environment
        WRONG_TOPIC = "wrong_topic", _("Wrong topic")  #: DeviceTokenNotForTopic

    token = models.OneToOneField(
        PushToken, on_delete=models.CASCADE, related_name="health"
    )
    state = models.TextField(choices=State.choices, default=State.VALID)
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    last_accepted_at = models.DateTimeField(null=True, default=None)
    #: Where APNs accepted it though its REGISTER names the other; empty: as registered.
    environment = models.TextField(
        choices=Environment.choices, blank=True, default="", db_default=""
    )

    class Meta:
        indexes = [
            # token_health.revive: the few that were refused
            models.Index(
                fields=["token"],
                condition=~models.Q(state="valid"),
                name="tokenhealth_refused",
            ),
            # Devices page: token:invalid
            models.Index(
                fields=["state", "token"],
                condition=~models.Q(state="valid"),
                name="tokenhealth_by_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.token} {self.state}"


class TokenHealthChange(models.Model):
    """When and why a token was retired, quarantined or brought back."""

    token = models.ForeignKey(
        PushToken, on_delete=models.CASCADE, related_name="health_changes"
    )
    at = models.DateTimeField()
    before = models.TextField(choices=TokenHealth.State.choices)
    after = models.TextField(choices=TokenHealth.State.choices)
    #: Apple's reason, or ours.
    reason = models.TextField()

    class Meta:
        ordering = ["token", "id"]

    def __str__(self) -> str:
        return f"{self.token_id} {self.before} → {self.after}"
