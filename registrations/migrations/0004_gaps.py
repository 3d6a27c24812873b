import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registrations", "0003_finding"),
    ]

    operations = [
        migrations.CreateModel(
            name="Gap",
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
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "why",
                    models.TextField(
                        choices=[
                            ("away", "nobody listened"),
                            ("packets", "packets were lost"),
                            ("log", "a log was gone before it was read"),
                        ]
                    ),
                ),
                (
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="gaps",
                        to="registrations.feed",
                    ),
                ),
            ],
            options={
                "ordering": ["since"],
                "indexes": [models.Index(fields=["feed", "until"], name="gap_of_feed")],
            },
        ),
    ]
