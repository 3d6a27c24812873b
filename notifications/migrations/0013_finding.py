from django.db import migrations, models
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Upper

from notifications.models.audit import NEWEST, Kind
from registrations.models.lookups import Name


class Migration(migrations.Migration):
    """Indexes for what the lists are asked for."""

    dependencies = [("notifications", "0012_saved_views")]

    operations = [
        *(
            migrations.AddIndex(model_name="auditentry", index=index)
            for index in (
                models.Index(Upper("actor_name"), *NEWEST, name="audit_by_person"),
                models.Index(fields=["action", "-at", "-id"], name="audit_by_action"),
                models.Index(Kind("action"), *NEWEST, name="audit_by_kind"),
                models.Index(Name("subject"), name="audit_by_object"),
                models.Index(KT("detail__push"), name="audit_by_push"),
                models.Index(KT("detail__bulk"), name="audit_by_bulk"),
            )
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(
                    models.Q(("apns_id", ""), _negated=True),
                    models.Q(
                        ("apns_id", Cast(models.F("push"), models.TextField())),
                        _negated=True,
                    ),
                ),
                fields=["apns_id"],
                name="attempt_of_another",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("verdict", "handled"), _negated=True),
                fields=["verdict", "-sent_at"],
                include=("id", "pushes_accepted", "token"),
                name="call_by_verdict",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("rule", "late")),
                fields=["-sent_at"],
                name="call_late",
            ),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                fields=["sent_at"],
                include=("push_type", "state"),
                name="push_by_departure",
            ),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                fields=["app", "environment", "-created_at"], name="push_of_app"
            ),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                condition=models.Q(("state", "accepted"), _negated=True),
                fields=["state", "-created_at"],
                name="push_not_accepted",
            ),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                condition=models.Q(("reason", ""), _negated=True),
                fields=["reason", "-created_at"],
                name="push_by_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                condition=models.Q(
                    ("state__in", ["rejected", "unknown", "failed", "expired"])
                ),
                fields=["app", "-ended_at"],
                name="push_failures_of_app",
            ),
        ),
        migrations.AddIndex(
            model_name="tokenhealth",
            index=models.Index(
                condition=models.Q(("state", "valid"), _negated=True),
                fields=["state", "token"],
                name="tokenhealth_by_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="push",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "accepted"), _negated=True),
                    ("reason", ""),
                    _connector="OR",
                ),
                name="push_accepted_has_no_reason",
            ),
        ),
    ]
