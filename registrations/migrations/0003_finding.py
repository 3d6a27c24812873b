from django.db import migrations, models

from registrations.models.feeds import NEWEST
from registrations.models.lookups import Backwards, Head, Name


class Migration(migrations.Migration):
    """Indexes for what people look for."""

    dependencies = [("registrations", "0002_beacons")]

    operations = [
        *(
            migrations.AddIndex(model_name="malformed", index=index)
            for index in (
                models.Index(*NEWEST, name="malformed_newest"),
                models.Index("rule", *NEWEST, name="malformed_of_rule"),
                models.Index(fields=["-count", "-id"], name="malformed_by_count"),
            )
        ),
        migrations.AddIndex(
            model_name="device", index=models.Index(Name("aor"), name="device_by_name")
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                fields=["bundle_id", "environment"], name="device_of_app"
            ),
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(Head("user_agent"), name="device_by_agent"),
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                condition=models.Q(("problems", []), _negated=True),
                fields=["id"],
                name="device_in_trouble",
            ),
        ),
        migrations.AddIndex(
            model_name="pushtoken",
            index=models.Index(Backwards("token"), name="pushtoken_by_end"),
        ),
        migrations.AddIndex(
            model_name="holding",
            index=models.Index(
                condition=models.Q(("current", True)),
                fields=["token"],
                include=("device",),
                name="holding_now",
            ),
        ),
    ]
