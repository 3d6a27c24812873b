from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registrations", "0004_gaps")]

    operations = [
        migrations.CreateModel(
            name="RoundPage",
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
                ("until", models.DateTimeField(default=None, null=True)),
                ("rounds", models.TextField()),
                (
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="round_pages",
                        to="registrations.feed",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        # Text that nobody reads before a restart: packed it took a batch's time.
        migrations.RunSQL(
            "ALTER TABLE registrations_roundpage ALTER rounds SET STORAGE EXTERNAL",
            migrations.RunSQL.noop,
        ),
    ]
