"""What a person chose for the dashboard."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Preference(models.Model):
    """One row a person who ever chose something."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="preference",
    )
    #: A code of `settings.LANGUAGES`; empty: that of the browser.
    language = models.TextField(blank=True, default="", db_default="")
    #: The name of an IANA zone; empty: UTC.
    timezone = models.TextField(blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.user_id} {self.language}"
