"""Who may hand us pushes over HTTP, what they were answered, and what we had to refuse."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.applications import App


class GatewayKey(models.Model):
    """A secret of a SIP server; several at once while one takes another's place."""

    name = models.TextField(unique=True)
    #: SHA-256 of the secret; the secret itself is shown once.
    digest = models.TextField()
    #: Networks it may be used from (CIDR); none means any.
    networks = models.JSONField(default=list)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A bearer token of the REST API, of one app or of all; shown once, kept as a digest."""

    name = models.TextField()
    #: SHA-256 of the token.
    digest = models.TextField(unique=True)
    #: The only app it may push to; null: any.
    app = models.ForeignKey(
        App, null=True, on_delete=models.CASCADE, related_name="api_tokens"
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: To the minute.
    last_used_at = models.DateTimeField(null=True, default=None)
    revoked_at = models.DateTimeField(null=True, default=None)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(revoked_at__isnull=True),
                name="apitoken_name_once",
            )
        ]

    def __str__(self) -> str:
        return self.name


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered: the same again for 24 hours."""

    token = models.ForeignKey(
        ApiToken, on_delete=models.CASCADE, related_name="answers"
    )
    key = models.TextField()
    #: SHA-256 of the request's JSON with its keys sorted.
    fingerprint = models.TextField()
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["token", "key"], name="keptanswer_one_a_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.status}"


class Door(models.TextChoices):
    """Where pushes are asked for over HTTP."""

    URL = "url", _("Flexisip, URL form")  #: external-push-uri
    JSON = "json", _("Flexisip, JSON form")  #: external-push-flexiapi
    API = "api", _("REST API")  #: /api/v1/pushes


class Refusal(models.Model):
    """A request that could not become a push, with how often it came; the newest are kept."""

    door = models.TextField(choices=Door.choices)
    status = models.PositiveSmallIntegerField()
    why = models.TextField()
    #: The peer's address, and the name of its key or token; empty: not known.
    address = models.TextField(blank=True, default="")
    by = models.TextField(blank=True, default="")
    #: What was asked, without secrets, tokens masked.
    asked = models.JSONField(default=dict)
    #: Of all the above.
    fingerprint = models.TextField(unique=True)
    number = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        # Failures page: newest first
        indexes = [models.Index(fields=["-at", "-id"], name="refusal_newest")]

    def __str__(self) -> str:
        return self.why


class RefusalCount(models.Model):
    """How many requests were refused in an hour: kept when the requests no longer are."""

    hour = models.DateTimeField()
    door = models.TextField(choices=Door.choices)
    status = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "door", "status"], name="refusalcount_one_an_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour} {self.door} {self.status}: {self.number}"
