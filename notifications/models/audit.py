"""Who did what, and who may: the append-only audit trail and the rights."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.fields.json import KT
from django.db.models.functions import Upper

from registrations.models.lookups import Name


class Kind(models.Transform):
    """`action__kind`: its first word, `push` of `push.resend`."""

    lookup_name = "kind"
    output_field = models.TextField()
    template = "split_part(%(expressions)s, '.', 1)"


NEWEST = (F("at").desc(), F("id").desc())


class AppendOnlyError(TypeError):
    """An append-only row was to be changed or deleted."""


class AppendOnlyQuerySet(models.QuerySet):
    """Rows that are written once. The database refuses too, by trigger."""

    def update(self, **values):
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed")

    def delete(self):
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted")


class AuditEntry(models.Model):
    """One thing a person (or a command) did. Append-only."""

    at = models.DateTimeField()
    #: Null: a command on the server; `actor_name` says which.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_name = models.TextField()
    #: A verb of the field: `push.resend`, `strikes.reset`, `token.reveal`, `export.devices` …
    action = models.TextField()
    #: What it was done to, in words a person can search: an AOR, a push id, a bundle id.
    subject = models.TextField()
    reason = models.TextField(blank=True, default="")
    detail = models.JSONField(default=dict)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        # Audit page: by time; by person, action and kind of action; by object; by push, bulk
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(Upper("actor_name"), *NEWEST, name="audit_by_person"),
            models.Index(fields=["action", "-at", "-id"], name="audit_by_action"),
            models.Index(Kind("action"), *NEWEST, name="audit_by_kind"),
            models.Index(Name("subject"), name="audit_by_object"),
            models.Index(KT("detail__push"), name="audit_by_push"),
            models.Index(KT("detail__bulk"), name="audit_by_bulk"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.subject}"


AuditEntry._meta.get_field("action").register_lookup(Kind)
AuditEntry._meta.get_field("subject").register_lookup(Name)


class Right(models.Model):
    """No table: the rights that views, fragments and sockets ask for."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("see", "See devices, pushes and risk"),
            ("acknowledge", "Acknowledge alarms"),
            ("resend", "Resend pushes and send test pushes"),
            ("reset_strikes", "Reset strikes with a reason"),
            ("manage_credentials", "Add and replace apps and credentials"),
            ("change_policy", "Change thresholds, windows and feeds"),
            ("manage_users", "Add users and change their groups"),
            ("export", "Export lists"),
            ("reveal", "Reveal tokens in clear"),
        ]

    def __str__(self) -> str:
        return "right"
