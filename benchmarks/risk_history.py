"""A long history of calls in rows, for the benches of settling. Importable only when Django is
set up.

Device N is that of `benchmarks.fleet_log`. A call is a VoIP push that APNs took; nine of ten
phones register 2 s after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction

from notifications.models import App
from registrations import partitions
from registrations.models import Feed, LogFile, Reading

BUNDLE_ID = "org.example.phone"
PUSHES = """
    INSERT INTO notifications_push (id, device_id, token_id, app_id, sip_call_id, gathered,
        origin, push_type, environment, topic, priority, collapse_id, payload, call_id,
        state, reason, created_at, due_at, expires_at, sent_at, accepted_at, ended_at,
        attempt_count)
    SELECT gen_random_uuid(), d.id, d.voip_id, %(app)s, NULL, false,
        'gateway', 'voip', 'production', 'org.example.phone.voip', 10, '',
        '{"aps": {}}', format('%(name)s-%%s', n), 'accepted', '', at, at,
        at + interval '30 s', at, at, at, 1
    FROM (SELECT n, %(start)s::timestamptz + n * %(step)s::interval AS at,
        1 + (n * 7919::bigint) %% %(devices)s AS phone
        FROM generate_series(%(first)s, %(last)s) n) calls
    JOIN registrations_device d ON d.id = calls.phone
"""
SIGHTINGS = """
    INSERT INTO registrations_sighting (day, moment, estimated, feed_id, file_id, position,
        call_id, line, device_id, token_id, kind)
    SELECT (at AT TIME ZONE 'UTC')::date, at, false, %(feed)s, %(file)s, n * 700, '', '',
        d.id, d.voip_id, 'register'
    FROM (SELECT n, %(start)s::timestamptz + n * %(step)s::interval + interval '2 s' AS at,
        1 + (n * 7919::bigint) %% %(devices)s AS phone
        FROM generate_series(%(first)s, %(last)s) n WHERE n %% 10 <> 0) wakes
    JOIN registrations_device d ON d.id = wakes.phone
"""
#: What `settle` would have made of them.
CALLS = """
    INSERT INTO notifications_call (token_id, call_id, pushes_accepted, sent_at,
        accepted_at, handle_by, verdict, rule, evidence, wake_time, witnessed, held_by,
        judged_at, created_at)
    SELECT token_id, call_id, 1, sent_at, accepted_at, accepted_at + interval '30 s',
        'handled', 'register', '{"kind": "register"}', interval '2 s', false, '[]',
        accepted_at + interval '3 s', created_at
    FROM notifications_push WHERE sip_call_id IS NULL
"""
KNOWN = """
    UPDATE notifications_push push SET gathered = true, sip_call_id = call.id
    FROM notifications_call call
    WHERE call.token_id = push.token_id AND call.call_id = push.call_id
        AND push.sip_call_id IS NULL
"""


class History:
    """Calls in rows, one each `step`, on the devices 1…N."""

    def __init__(self, devices: int, start: datetime) -> None:
        self._devices = devices
        self.app = App.objects.create(bundle_id=BUNDLE_ID, name="Bench")
        self.feed = Feed.objects.create(
            name="bench",
            heartbeat=timedelta(days=1),
            seen_until=start,
            # One that is not could show no proof: nothing would be judged unhandled.
            followed=True,
        )
        self.file = LogFile.objects.create(
            feed=self.feed, path="bench.log", opened_at=start
        )

    def ask(self, name: str, numbers: range, start: datetime, step: timedelta) -> None:
        """The pushes `numbers` of a series that began at `start`, accepted by APNs."""
        self._run(PUSHES, name, numbers, start, step)

    def show(self, name: str, numbers: range, start: datetime, step: timedelta) -> None:
        """The registrations of the phones that these pushes woke."""
        last = start + step * (numbers.stop + 1)
        days = (last - start).days + 2
        with transaction.atomic():
            partitions.ensure((start + timedelta(n)).date() for n in range(days))
        self._run(SIGHTINGS, name, numbers, start, step)

    def tell(self, numbers: range, now: datetime) -> None:
        """The reading that shows them, and how far the feed is read."""
        phones = [1 + (n * 7919) % self._devices for n in numbers if n % 10]
        Reading.objects.create(
            feed=self.feed,
            read_at=now,
            devices=phones,
            since=now - timedelta(seconds=2),
            until=now,
        )
        Feed.objects.filter(pk=self.feed.pk).update(seen_until=now)

    def conclude(self) -> None:
        """What `settle` would have made of all that was asked and not yet looked at."""
        with connection.cursor() as cursor:
            cursor.execute(CALLS)
            cursor.execute(KNOWN)

    def _run(self, statement: str, name: str, numbers: range, start, step) -> None:
        values = {
            "app": self.app.pk,
            "feed": self.feed.pk,
            "file": self.file.pk,
            "devices": self._devices,
            "first": numbers.start,
            "last": numbers.stop - 1,
            "start": start,
            "step": step,
        }
        with connection.cursor() as cursor:
            cursor.execute(statement.replace("%(name)s", name), values)


def tidy() -> None:
    """Statistics as autovacuum would have made them by now."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def backend() -> int:
    """The process of PostgreSQL that serves this session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]
