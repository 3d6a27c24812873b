"""Where a token is good."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Environment(models.TextChoices):
    """Apple's two worlds: `pn-provider=apns` and `apns.dev`."""

    PRODUCTION = "production", _("Production")
    SANDBOX = "sandbox", _("Sandbox")
