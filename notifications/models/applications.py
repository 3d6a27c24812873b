"""The apps we push to, their policy, and the credentials APNs knows us by."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from registrations.models import Environment


class App(models.Model):
    """One bundle id, with the policy its verdicts and pushes follow (PRODUCT.md's rules)."""

    bundle_id = models.TextField(unique=True)
    name = models.TextField()
    threshold = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    wake_window = models.DurationField(default=timedelta(seconds=30))
    grace = models.DurationField(default=timedelta(seconds=5))
    late_window = models.DurationField(default=timedelta(seconds=90))
    reach_window = models.DurationField(default=timedelta(minutes=15))
    foreground_window = models.DurationField(default=timedelta(seconds=20))
    release_after = models.DurationField(default=timedelta(hours=24))
    #: How long a push lives; `apns-expiration` is that moment and nothing leaves after it.
    voip_life = models.DurationField(default=timedelta(seconds=30))
    alert_life = models.DurationField(default=timedelta(days=7))
    background_life = models.DurationField(default=timedelta(hours=1))
    #: Protect mode: hold VoIP pushes to a phone one strike below the threshold.
    protect = models.BooleanField(default=False, db_default=False)
    #: Pushes a minute to one device token, and a second with this app; 0 is no limit.
    device_limit = models.PositiveIntegerField(default=60, db_default=60)
    push_limit = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Credential(models.Model):
    """A `.p8` key or a certificate for one app in one environment, and its server."""

    class Kind(models.TextChoices):
        KEY = "key", "Key (.p8)"  #: signs provider tokens
        CERTIFICATE = "certificate"  #: shown when a connection is made

    class Server(models.TextChoices):
        PRODUCTION = "production", _("Apple production")  #: api.push.apple.com
        SANDBOX = "sandbox", _("Apple sandbox")  #: api.sandbox.push.apple.com
        OTHER = "other", _("Another APNs server")  #: host, port and CA file of one

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="credentials")
    environment = models.TextField(choices=Environment.choices)
    kind = models.TextField(choices=Kind.choices, default=Kind.KEY, db_default="key")
    #: Of a key alone.
    team_id = models.TextField(blank=True, default="")
    key_id = models.TextField(blank=True, default="")
    #: Of a certificate alone: its name, the topics it names, its notAfter.
    name = models.TextField(blank=True, default="", db_default="")
    topics = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, default=None)
    #: The PEM text of the key (of a certificate with its chain), sealed by
    #: `notifications.credentials`; never shown again.
    sealed_key = models.BinaryField()
    server = models.TextField(choices=Server.choices)
    host = models.TextField(blank=True, default="")
    port = models.PositiveIntegerField(default=443)
    ca_pem = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    #: Pushes a second with this credential, 0 is no limit; calls never wait for it.
    push_limit = models.PositiveIntegerField(default=0, db_default=0)
    #: The breaker: nothing is sent until then, for Apple's reason; after that one push tries.
    paused_until = models.DateTimeField(null=True, default=None)
    pause_reason = models.TextField(blank=True, default="")
    #: Since when so many tokens are refused that a setting must be wrong.
    jump_at = models.DateTimeField(null=True, default=None)
    #: The stage of `notifications.expiry` that was last logged of its certificate.
    warned_days = models.PositiveSmallIntegerField(null=True, default=None)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "environment"], name="credential_one_an_environment"
            ),
            models.CheckConstraint(
                condition=~models.Q(server="other") | ~models.Q(host=""),
                name="credential_names_its_other_server",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="key")
                | (~models.Q(team_id="") & ~models.Q(key_id="")),
                name="credential_key_has_its_ids",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="certificate")
                | models.Q(expires_at__isnull=False),
                name="credential_certificate_says_its_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.app} {self.environment}"


class SharedToken(models.Model):
    """The provider token all processes send with; Apple refuses a second one of a key."""

    #: `notifications.apns.Key.name`
    name = models.TextField(primary_key=True)
    #: The token, sealed by `notifications.credentials`.
    sealed = models.BinaryField()
    #: Seconds of the epoch, as the token itself says.
    issued_at = models.BigIntegerField()

    def __str__(self) -> str:
        return self.name


class Allowance(models.Model):
    """What is left of the pushes a second of an app or a credential, for all workers."""

    #: `notifications.pacing`: "app PK" or "credential APP ENVIRONMENT".
    name = models.TextField(primary_key=True)
    left = models.FloatField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.left:.1f}"
