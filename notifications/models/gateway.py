"""Who may hand us pushes over HTTP, and what we had to refuse."""

from __future__ import annotations

from django.db import models


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


class GatewayRefusal(models.Model):
    """A request that could not become a push: only the newest are kept."""

    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField()
    why = models.TextField()
    #: What was asked, without secret, the token masked.
    asked = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.why
