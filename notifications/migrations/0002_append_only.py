"""Attempts and audit entries are written once: the database refuses what comes after."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION notifications_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are written once', TG_TABLE_NAME;
END $$
"""


def refuse(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION notifications_refuse_change()",
        f"DROP TRIGGER {table}_append_only ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION notifications_refuse_change()"),
        refuse("notifications_attempt"),
        refuse("notifications_auditentry"),
    ]
