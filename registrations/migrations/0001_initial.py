import datetime
import django.db.models.deletion
from django.db import migrations, models


def partition_by_day(table):
    """Make the table just created a partitioned one. Django's foreign keys follow after."""
    return migrations.RunSQL(
        [
            f"ALTER TABLE {table} RENAME TO {table}_plain",
            f"CREATE TABLE {table} (LIKE {table}_plain INCLUDING ALL)"
            " PARTITION BY RANGE (day)",
            f"DROP TABLE {table}_plain",
        ],
        migrations.RunSQL.noop,
    )


def fact():
    """The fields all three tables of the history share."""
    return [
        ('pk', models.CompositePrimaryKey('day', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
        ('day', models.DateField()),
        ('id', models.BigIntegerField(db_default=models.Func(models.Value('registrations_fact_id'), function='nextval'))),
        ('moment', models.DateTimeField(default=None, null=True)),
        ('estimated', models.BooleanField(default=False)),
        ('position', models.BigIntegerField()),
        ('call_id', models.TextField(default='')),
        ('line', models.TextField(default='')),
        ('feed', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registrations.feed')),
        ('file', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registrations.logfile')),
    ]


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE registrations_fact_id AS bigint",
            "DROP SEQUENCE registrations_fact_id",
        ),
        migrations.CreateModel(
            name='Feed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField(unique=True)),
                ('kind', models.TextField(choices=[('file', 'Log file'), ('pcap', 'Capture'), ('hep', 'HEP'), ('http', 'HTTP'), ('redis', 'Redis registrar'), ('listing', 'Bindings listing'), ('beacon', 'App beacons')], default='file')),
                ('path', models.TextField(blank=True, default='')),
                ('format', models.TextField(blank=True, default='')),
                ('xlog', models.TextField(blank=True, default='')),
                ('timezone', models.TextField(blank=True, default='')),
                ('year', models.PositiveSmallIntegerField(default=None, null=True)),
                ('enabled', models.BooleanField(default=True)),
                ('followed', models.BooleanField(default=False)),
                ('assume_accepted', models.BooleanField(default=True)),
                ('shows_answers', models.BooleanField(default=False)),
                ('has_assumed', models.BooleanField(default=False)),
                ('shows_times', models.BooleanField(default=None, null=True)),
                ('heartbeat', models.DurationField(default=datetime.timedelta(seconds=60))),
                ('default_expires', models.PositiveIntegerField(default=3600)),
                ('seen_until', models.DateTimeField(default=None, null=True)),
                ('last_read_at', models.DateTimeField(default=None, null=True)),
                ('skew', models.DurationField(default=datetime.timedelta(0))),
                ('trouble', models.TextField(blank=True, default='')),
                ('trouble_since', models.DateTimeField(default=None, null=True)),
                ('pending', models.JSONField(default=list)),
                ('branches', models.JSONField(default=list)),
                ('register_count', models.BigIntegerField(default=0)),
                ('rejected_count', models.BigIntegerField(default=0)),
                ('push_line_count', models.BigIntegerField(db_default=0, default=0)),
                ('refused', models.JSONField(default=dict)),
                ('token_digest', models.TextField(blank=True, default='')),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='PushToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment', models.TextField(choices=[('production', 'Production'), ('sandbox', 'Sandbox')])),
                ('bundle_id', models.TextField()),
                ('kind', models.TextField(choices=[('voip', 'VoIP'), ('remote', 'Remote')])),
                ('token', models.TextField()),
                ('first_seen_at', models.DateTimeField(default=None, null=True)),
                ('last_registered_at', models.DateTimeField(default=None, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['token'], name='pushtoken_by_token', opclasses=['text_pattern_ops'])],
                'constraints': [models.UniqueConstraint(fields=('environment', 'bundle_id', 'kind', 'token'), name='pushtoken_is_one_install'), models.CheckConstraint(condition=models.Q(('kind__in', ['voip', 'remote'])), name='pushtoken_kind')],
            },
        ),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('identity', models.TextField()),
                ('aor', models.TextField()),
                ('instance_id', models.TextField(default=None, null=True)),
                ('contact', models.TextField(blank=True, default='')),
                ('user_agent', models.TextField(blank=True, default='')),
                ('pn_provider', models.TextField(blank=True, default='')),
                ('pn_param', models.TextField(blank=True, default='')),
                ('team_id', models.TextField(blank=True, default='')),
                ('bundle_id', models.TextField(blank=True, default='')),
                ('environment', models.TextField(blank=True, choices=[('', 'unknown'), ('production', 'Production'), ('sandbox', 'Sandbox')], default='')),
                ('bound', models.BooleanField(default=False)),
                ('expires_at', models.DateTimeField(default=None, null=True)),
                ('last_registered_at', models.DateTimeField(default=None, null=True)),
                ('first_seen_at', models.DateTimeField(default=None, null=True)),
                ('last_seen_at', models.DateTimeField(default=None, null=True)),
                ('assumed', models.BooleanField(default=False)),
                ('accepted', models.BooleanField(default=False)),
                ('call_id', models.TextField(blank=True, default='')),
                ('cseq', models.BigIntegerField(default=None, null=True)),
                ('problems', models.JSONField(default=list)),
                ('refusal', models.JSONField(default=None, null=True)),
                ('settled', models.BooleanField(db_default=False, default=False)),
                ('voip', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='registrations.pushtoken')),
                ('feed', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='devices', to='registrations.feed')),
            ],
            options={
                'indexes': [models.Index(fields=['aor'], name='device_by_aor'), models.Index(fields=['instance_id'], name='device_by_instance')],
                'constraints': [models.UniqueConstraint(fields=('identity',), name='device_is_one_identity')],
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='LogFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.TextField()),
                ('kind', models.TextField(choices=[('file', 'File'), ('stream', 'Stream')], default='file')),
                ('format', models.TextField(blank=True, default='')),
                ('inode', models.BigIntegerField(default=0)),
                ('head_bytes', models.PositiveIntegerField(default=0)),
                ('head_digest', models.TextField(blank=True, default='')),
                ('tail_bytes', models.PositiveIntegerField(default=0)),
                ('tail_digest', models.TextField(blank=True, default='')),
                ('position', models.BigIntegerField(default=0)),
                ('state', models.JSONField(default=dict)),
                ('opened_at', models.DateTimeField()),
                ('feed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='registrations.feed')),
            ],
            options={
                'indexes': [models.Index(fields=['feed', '-id'], name='logfile_newest_of_feed'), models.Index(fields=['feed', 'path'], name='logfile_by_path', opclasses=['int8_ops', 'text_pattern_ops'])],
            },
        ),
        migrations.CreateModel(
            name='PushLine',
            fields=[
                *fact(),
                *[(name, models.TextField()) for name in ('token', 'push_type', 'state')],
                ('status', models.SmallIntegerField(default=None, null=True)),
                *[(name, models.TextField(default='')) for name in 'key topic instance_id reason apns_id'.split()],
            ],
        ),
        partition_by_day('registrations_pushline'),
        migrations.CreateModel(
            name='Holding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('current', models.BooleanField(default=True)),
                ('since', models.DateTimeField(default=None, null=True)),
                ('until', models.DateTimeField(default=None, null=True)),
                ('missing_since', models.DateTimeField(default=None, null=True)),
                ('missing_position', models.BigIntegerField(default=None, null=True)),
                ('missing_feed', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='registrations.feed')),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='holdings', to='registrations.device')),
                ('token', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='holdings', to='registrations.pushtoken')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('missing_since__isnull', False)), fields=['missing_feed', 'missing_since'], name='holding_missing')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('current', True)), fields=('device', 'token'), name='holding_is_current_once')],
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='DeviceEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField(choices=[('reinstalled', 'Reinstalled'), ('token_changed', 'Token Changed'), ('token_lost', 'Token Lost'), ('logged_out', 'Logged Out')])),
                ('moment', models.DateTimeField(default=None, null=True)),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
                ('position', models.BigIntegerField()),
                ('device', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='registrations.device')),
                ('feed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='device_events', to='registrations.feed')),
                ('token', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='registrations.pushtoken')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Registration',
            fields=[
                *fact(),
                ('kind', models.TextField(choices=[('registered', 'Registered'), ('refreshed', 'Refreshed'), ('unregistered', 'Unregistered')])),
                ('cseq', models.BigIntegerField(null=True)),
                ('expires', models.BigIntegerField(null=True)),
                ('assumed', models.BooleanField(default=False)),
                ('fingerprint', models.TextField(default='')),
                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='registrations', to='registrations.device')),
            ],
        ),
        partition_by_day('registrations_registration'),
        migrations.CreateModel(
            name='Reading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('read_at', models.DateTimeField()),
                ('devices', models.JSONField(default=list)),
                ('tokens', models.JSONField(default=list)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('feed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='readings', to='registrations.feed')),
            ],
            options={
                'indexes': [models.Index(fields=['feed', 'id'], name='reading_of_feed'), models.Index(fields=['feed', 'read_at'], name='reading_by_time')],
            },
        ),
        migrations.CreateModel(
            name='Rejected',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.BigIntegerField()),
                ('moment', models.DateTimeField(default=None, null=True)),
                ('read_at', models.DateTimeField()),
                ('rule', models.TextField()),
                ('detail', models.TextField()),
                ('excerpt', models.TextField(blank=True, default='')),
                ('feed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rejected', to='registrations.feed')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rejected', to='registrations.logfile')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('file', 'position'), name='rejected_once_a_position')],
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Malformed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule', models.TextField()),
                ('app', models.TextField(blank=True, default='')),
                ('detail', models.TextField()),
                ('flexisip', models.TextField(blank=True, default='')),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('estimated', models.BooleanField(default=False)),
                ('count', models.BigIntegerField(default=0)),
                ('example', models.TextField(blank=True, default='')),
                ('feed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='malformed', to='registrations.feed')),
            ],
            options={
                'ordering': ['-last_seen_at', 'rule'],
                'constraints': [models.UniqueConstraint(fields=('feed', 'rule', 'app'), name='malformed_is_one_rule_of_one_app')],
            },
        ),
        migrations.CreateModel(
            name='Sighting',
            fields=[
                *fact(),
                ('kind', models.TextField(choices=[('register', 'Register'), ('challenged', 'Challenged'), ('answer', 'Answer'), ('beacon', 'Beacon'), ('dialog', 'Dialog'), ('ended', 'Ended')])),
                ('code', models.SmallIntegerField(default=None, null=True)),
                ('skew_ms', models.IntegerField(db_default=0, default=0)),
                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sightings', to='registrations.device')),
                ('token', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sightings', to='registrations.pushtoken')),
            ],
        ),
        partition_by_day('registrations_sighting'),
        # Room on each page for the next version of its rows: a refresh updates in place (HOT).
        migrations.RunSQL(
            "ALTER TABLE registrations_device SET (fillfactor = 80)",
            migrations.RunSQL.noop,
        ),
        migrations.AddIndex('pushline', models.Index(fields=['call_id'], name='pushline_of_call')),
        migrations.AddIndex('pushline', models.Index(fields=['feed', 'id'], name='pushline_of_feed')),
        migrations.AddIndex('registration', models.Index(fields=['device', '-moment'], name='registration_of_device')),
        migrations.AddIndex('sighting', models.Index(fields=['device', 'moment'], name='sighting_of_device')),
        migrations.AddIndex('sighting', models.Index(fields=['token', 'moment'], name='sighting_of_token')),
        migrations.AddIndex('sighting', models.Index(condition=models.Q(('kind', 'answer')), fields=['call_id'], name='sighting_of_call')),
    ]
