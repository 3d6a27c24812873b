"""How far settling has looked, and the verdicts that were overturned."""

import django.db.models.deletion
from django.db import migrations, models

REFUSE = (
    "CREATE TRIGGER notifications_verdictchange_append_only BEFORE UPDATE OR DELETE"
    " ON notifications_verdictchange FOR EACH ROW"
    " EXECUTE FUNCTION notifications_refuse_change()"
)
ALLOW = "DROP TRIGGER notifications_verdictchange_append_only ON notifications_verdictchange"


class Migration(migrations.Migration):
    dependencies = [("notifications", "0003_groups")]

    operations = [
        migrations.CreateModel(
            name="Looked",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("reading", models.BigIntegerField(default=0)),
                ("push_line", models.BigIntegerField(db_default=0, default=0)),
                ("push_line_count", models.BigIntegerField(db_default=0, default=0)),
                (
                    "feed",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="registrations.feed",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="VerdictChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "verdict",
                    models.TextField(
                        choices=[
                            ("awaited", "Awaited"),
                            ("handled", "Handled"),
                            ("unhandled", "Unhandled"),
                            ("exempt", "Exempt"),
                            ("not_counted", "Not counted"),
                        ]
                    ),
                ),
                ("rule", models.TextField(blank=True, default="")),
                ("evidence", models.JSONField(default=None, null=True)),
                ("judged_at", models.DateTimeField()),
                (
                    "became",
                    models.TextField(
                        choices=[
                            ("awaited", "Awaited"),
                            ("handled", "Handled"),
                            ("unhandled", "Unhandled"),
                            ("exempt", "Exempt"),
                            ("not_counted", "Not counted"),
                        ]
                    ),
                ),
                ("became_rule", models.TextField(blank=True, default="")),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="notifications.call",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                condition=models.Q(
                    models.Q(("push_type", "voip"), _negated=True),
                    ("accepted_at__isnull", False),
                ),
                fields=["device", "accepted_at"],
                name="push_remote",
            ),
        ),
        migrations.AddIndex(
            model_name="push",
            index=models.Index(
                condition=models.Q(
                    ("gathered", False),
                    (
                        "state__in",
                        [
                            "accepted",
                            "rejected",
                            "unknown",
                            "failed",
                            "expired",
                            "held",
                        ],
                    ),
                ),
                fields=["ended_at"],
                name="push_loose",
            ),
        ),
        migrations.AddIndex(
            model_name="reset",
            index=models.Index(
                condition=models.Q(("counted", False)), fields=["at"], name="reset_new"
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("verdict", "handled")),
                fields=["token", "sent_at"],
                name="call_handled",
            ),
        ),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
