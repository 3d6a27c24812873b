"""The three groups from the start: ops, support and admin, with their rights."""

from django.db import migrations

OPS = ["see", "acknowledge"]
SUPPORT = [*OPS, "resend", "reset_strikes"]
ADMIN = [
    *SUPPORT,
    "manage_credentials",
    "change_policy",
    "manage_users",
    "export",
    "reveal",
]
GROUPS = {"ops": OPS, "support": SUPPORT, "admin": ADMIN}


def create_groups(apps, schema_editor):
    content_type, _ = apps.get_model(
        "contenttypes", "ContentType"
    ).objects.get_or_create(app_label="notifications", model="right")
    permissions = {
        codename: apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=content_type, codename=codename, defaults={"name": codename}
        )[0]
        for codename in ADMIN
    }
    for name, rights in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.set([permissions[right] for right in rights])


def delete_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0002_append_only"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(create_groups, delete_groups)]
