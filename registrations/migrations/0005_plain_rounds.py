from django.db import migrations, models


def rewrite(apps, schema_editor):
    """What was JSON, a list a round, is a line a round."""
    pages = apps.get_model("registrations", "RoundPage").objects
    for page in pages.iterator(chunk_size=10):
        page.rounds = "\n".join(line(*one) for one in page.listed)
        page.save(update_fields=["rounds"])


def line(call_id, cseq, moment, authorized, accepted, older):
    numbers = " ".join(map(str, older))
    return f"{cseq}\t{moment or ''}\t{authorized:d}\t{accepted:d}\t{numbers}\t{call_id}"


def forget(apps, schema_editor):
    """Backwards: rounds under way are not folded."""
    apps.get_model("registrations", "RoundPage").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("registrations", "0004_gaps"),
    ]

    operations = [
        migrations.RenameField("roundpage", "rounds", "listed"),
        migrations.AddField(
            "roundpage",
            "rounds",
            models.TextField(default=""),
            preserve_default=False,
        ),
        migrations.RunPython(rewrite, forget),
        migrations.RemoveField("roundpage", "listed"),
        migrations.RunSQL(
            "ALTER TABLE registrations_roundpage ALTER rounds SET STORAGE EXTERNAL",
            migrations.RunSQL.noop,
        ),
    ]
