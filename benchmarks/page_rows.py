"""Rows of a large house, made inside PostgreSQL: devices, pushes with their calls, REGISTERs.

Times run over the last 30 days. A share of phones is called much more often than others, a few
releases wake badly, and every state of a push, a call and a ledger is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

DAYS = 30

AGENT = (
    "format('LinphoneiOS/%%s (iPhone1%%s,%%s) iOS/1%%s.%%s LinphoneSDK/5.3.%%s',"
    " (ARRAY['6.1.0','6.0.2','5.2.4','5.2.3','6.1.1','5.1.0'])[1 + n %% 6],"
    " n %% 7, 1 + n %% 4, 5 + n %% 4, n %% 6, n %% 3)"
)
#: 3 apps: most devices have the first.
APP = "(CASE WHEN {n} %% 20 = 0 THEN 3 WHEN {n} %% 5 = 0 THEN 2 ELSE 1 END)"
BUNDLE = "'org.example.app' || " + APP
PLACE = "(CASE WHEN {n} %% 33 = 0 THEN 'sandbox' ELSE 'production' END)"

STATEMENTS = (
    "SELECT setseed(0.5)",
    """
    INSERT INTO notifications_app (id, bundle_id, name, threshold, wake_window, grace,
        late_window, reach_window, foreground_window, release_after, voip_life, alert_life,
        background_life)
    OVERRIDING SYSTEM VALUE
    SELECT n, 'org.example.app' || n, 'App ' || n, 3, '30 s', '5 s', '90 s', '15 min', '20 s',
        '24 h', '30 s', '7 days', '1 h' FROM generate_series(1, 3) n
    """,
    """
    INSERT INTO notifications_credential (app_id, environment, kind, team_id, key_id,
        sealed_key, server, host, port, ca_pem, topics, pause_reason, created_at)
    SELECT n, place, 'key', 'TEAM123456', 'KEY123456' || n, '', place, '', 443, '', '[]', '',
        %(now)s
    FROM generate_series(1, 3) n, (VALUES ('production'), ('sandbox')) p (place)
    """,
    """
    INSERT INTO registrations_feed (id, name, kind, path, enabled, followed,
        assume_accepted, shows_answers, has_assumed, shows_times, heartbeat,
        default_expires, seen_until, last_read_at, skew, pending, branches, register_count,
        rejected_count, refused, format, xlog, timezone, trouble, token_digest)
    OVERRIDING SYSTEM VALUE
    SELECT n, 'proxy-' || n, 'file', '/var/log/flexisip/proxy.log', true, true, true, true,
        false, true, '1 day', 3600, %(now)s, %(now)s, '0 s', '[]', '[]', 9, 0, '{}',
        'flexisip', '', '', '', ''
    FROM generate_series(1, 2) n
    """,
    """
    INSERT INTO registrations_logfile (id, feed_id, path, kind, format, inode, head_bytes,
        head_digest, tail_bytes, tail_digest, position, state, opened_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, n, '/var/log/flexisip/proxy.log', 'file', 'flexisip', n, 0, '', 0, '', 99, '{}',
        %(now)s FROM generate_series(1, 2) n
    """,
    f"""
    INSERT INTO registrations_pushtoken (id, environment, bundle_id, kind, token,
        first_seen_at)
    OVERRIDING SYSTEM VALUE
    SELECT 2 * n - 1 + k, {PLACE.format(n="n")}, {BUNDLE.format(n="n")},
        (ARRAY['voip', 'remote'])[1 + k], encode(sha256(format('%%s %%s', n, k)::bytea), 'hex'),
        %(now)s - interval '40 days'
    FROM generate_series(1, %(devices)s) n, generate_series(0, 1) k
    """,
    f"""
    INSERT INTO registrations_device (id, identity, aor, instance_id, contact, user_agent,
        pn_provider, pn_param, team_id, bundle_id, environment, bound, expires_at,
        last_registered_at, first_seen_at, last_seen_at, assumed, accepted, call_id,
        cseq, problems, settled, voip_id, feed_id)
    OVERRIDING SYSTEM VALUE
    SELECT n, aor || ' ' || instance, aor, instance,
        format('sip:u%%s@192.0.2.7:5060;transport=tls;pn-prid=%%s:voip&%%s:remote;'
            'pn-provider=apns;pn-param=ABCD1234.org.example.app1.voip&remote;pn-silent=1;'
            'pn-timeout=0;pn-msg-str=IM_MSG;pn-call-str=IC_MSG;pn-groupchat-str=GC_MSG',
            n, sha256((n || ' 0')::bytea), sha256((n || ' 1')::bytea)),
        {AGENT}, 'apns', 'ABCD1234.org.example.app1.voip&remote', 'ABCD1234',
        {BUNDLE.format(n="n")}, {PLACE.format(n="n")}, dice < 0.9, seen + interval '1 h', seen,
        %(now)s - interval '40 days', seen, false, true, n || '-old', 20,
        CASE WHEN n %% 101 = 0
            THEN '[{{"rule": "token_count", "detail": "two services, one token"}}]'
            ELSE '[]' END::jsonb,
        true, 2 * n - 1, 1 + n %% 2
    FROM (
        SELECT n, 'sip:' ||
                (ARRAY['anna','bob','carol','dave','erin','frank','grace'])[1 + n %% 7] || n
                || '@' || (ARRAY['sip','voice','pbx'])[1 + n %% 3] || '.example.org'
                AS aor,
            '<urn:uuid:00000000-0000-4000-8000-' || lpad(n::text, 12, '0') || '>' AS instance,
            dice, CASE WHEN dice < 0.85 THEN %(now)s - random() * interval '1 h'
                ELSE %(now)s - random() * interval '30 days' END AS seen
        FROM (SELECT n, random() AS dice FROM generate_series(1, %(devices)s) n) a
    ) fleet
    """,
    """
    INSERT INTO registrations_holding (device_id, token_id, current, since)
    SELECT (id + 1) / 2, id, true, first_seen_at FROM registrations_pushtoken
    """,
    f"""
    INSERT INTO notifications_build (id, user_agent, name, version, phone, ios)
    OVERRIDING SYSTEM VALUE
    SELECT n, {AGENT}, 'LinphoneiOS',
        (ARRAY['6.1.0','6.0.2','5.2.4','5.2.3','6.1.1','5.1.0'])[1 + n %% 6],
        format('iPhone1%%s,%%s', n %% 7, 1 + n %% 4), format('1%%s.%%s', 5 + n %% 4, n %% 6)
    FROM generate_series(1, 84) n
    """,
    """
    CREATE UNLOGGED TABLE page_plan AS
    SELECT p, device, kind, at, one, two, gen_random_uuid() AS id,
        CASE WHEN p > %(pushes)s - 20 THEN 'queued' WHEN one < 0.955 THEN 'accepted'
            WHEN one < 0.98 THEN 'rejected' WHEN one < 0.985 THEN 'unknown'
            WHEN one < 0.99 THEN 'failed' WHEN one < 0.995 THEN 'expired'
            WHEN one < 0.998 THEN 'cancelled' ELSE 'held' END AS state,
        CASE WHEN p > %(pushes)s - 60 THEN 'awaited'
            WHEN two < CASE WHEN device %% 6 = 4 THEN 0.10 ELSE 0.03 END THEN 'unhandled'
            WHEN two < 0.12 THEN 'not_counted' WHEN two < 0.14 THEN 'exempt'
            ELSE 'handled' END AS verdict
    FROM (
        SELECT p, 1 + floor(%(devices)s * power(random(), 2))::bigint AS device,
            (ARRAY['voip','voip','voip','voip','voip','voip','voip','alert','alert',
                'background'])[1 + floor(random() * 10)::int] AS kind,
            %(now)s - interval '30 days' + interval '30 days' * p / %(pushes)s AS at,
            random() AS one, random() AS two
        FROM generate_series(1, %(pushes)s) p
    ) dice
    """,
    """
    INSERT INTO notifications_call (id, token_id, call_id, pushes_accepted, sent_at,
        accepted_at, handle_by, verdict, rule, evidence, wake_time, witnessed, held_by,
        judged_at, build_id, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT p, 2 * device - 1, 'call-' || p, (state = 'accepted')::int, at, at + '90 ms',
        at + '30 s 90 ms', verdict,
        (ARRAY['register', 'answer', 'beacon', 'late', 'no_proof', 'on_call', ''])[CASE
            verdict WHEN 'handled' THEN 1 + p %% 4 WHEN 'unhandled' THEN 5
            WHEN 'exempt' THEN 6 WHEN 'awaited' THEN 7 ELSE 4 END],
        CASE WHEN verdict = 'handled' THEN jsonb_build_object('kind', 'register', 'moment',
            at + '2 s', 'feed', 'proxy-1', 'file', '/var/log/flexisip/proxy.log',
            'position', p, 'line', 'REGISTER sip:example.org SIP/2.0') END,
        CASE WHEN verdict = 'handled' THEN one * interval '4 s' END, p %% 3 = 0,
        CASE WHEN verdict = 'awaited' AND p %% 2 = 0
            THEN '[{"feed": "proxy-2", "behind_seconds": 40, "why": "behind"}]'
            ELSE '[]' END::jsonb,
        CASE WHEN verdict <> 'awaited' THEN at + '40 s' END, 1 + device %% 84, at
    FROM page_plan WHERE kind = 'voip' AND state = 'accepted' ORDER BY p
    """,
    f"""
    INSERT INTO notifications_push (id, device_id, token_id, app_id, sip_call_id, gathered,
        origin, push_type, environment, kind, topic, priority, collapse_id, payload, call_id,
        state, reason, created_at, due_at, expires_at, sent_at, accepted_at, ended_at,
        attempt_count)
    SELECT id, device, 2 * device - (kind = 'voip')::int, {APP.format(n="device")},
        CASE WHEN kind = 'voip' AND state = 'accepted' THEN p END, true,
        (ARRAY['gateway','gateway','gateway','api','observed','resend'])[1 + p %% 6], kind,
        {PLACE.format(n="device")},
        CASE kind WHEN 'voip' THEN 'call' WHEN 'alert' THEN 'message' ELSE 'wake' END,
        {BUNDLE.format(n="device")} || CASE kind WHEN 'voip' THEN '.voip' ELSE '' END, 10, '',
        jsonb_build_object('aps', jsonb_build_object('sound', '', 'alert',
            jsonb_build_object('loc-key', 'IC_MSG')), 'from-uri', 'sip:bob@example.org',
            'call-id', 'call-' || p),
        CASE WHEN kind = 'voip' THEN 'call-' || p ELSE '' END, state,
        CASE state WHEN 'rejected' THEN
            (ARRAY['BadDeviceToken','Unregistered','ExpiredToken','DeviceTokenNotForTopic',
                'TooManyRequests'])[1 + (p %% 11) %% 5] ELSE '' END,
        at, at, at + '30 s', CASE WHEN sent THEN at + '20 ms' END,
        CASE WHEN state = 'accepted' THEN at + '90 ms' END,
        CASE WHEN state <> 'queued' THEN at + '90 ms' END, sent::int
    FROM (SELECT *, state IN ('accepted', 'rejected', 'unknown') AS sent FROM page_plan) plan
    ORDER BY p
    """,
    """
    INSERT INTO notifications_attempt (push_id, number, started_at, ended_at, outcome, status,
        reason, detail, apns_id, apns_unique_id, latency_ms)
    SELECT id, 1, sent_at, ended_at, state, CASE state WHEN 'accepted' THEN 200
        WHEN 'rejected' THEN 400 END, reason, '', id::text, '', 70
    FROM notifications_push WHERE sent_at IS NOT NULL ORDER BY created_at
    """,
    """
    INSERT INTO notifications_ledger (token_id, state, strikes, pushes, run, first_strike_at,
        last_strike_at, last_sign_at, recovered_strikes, threshold, since)
    SELECT 2 * device - 1,
        CASE WHEN strikes = 0 THEN CASE WHEN device %% 300 = 0 THEN 'recovered' ELSE 'fine' END
            WHEN last_at < %(now)s - interval '24 h' AND device %% 10 < 8 THEN 'released'
            WHEN device %% 10 = 9 THEN 'silent' WHEN strikes >= 3 THEN 'suspected'
            ELSE 'not_waking' END,
        strikes, strikes, run, first_at, last_at, last_at, 0, 3, coalesce(last_at, %(now)s)
    FROM (
        SELECT c.device, count(u.p)::int AS strikes, min(u.at) AS first_at,
            max(u.at) AS last_at,
            coalesce(jsonb_agg(jsonb_build_object('call', u.p, 'call_id', 'call-' || u.p,
                'sent_at', u.at, 'pushes', 1, 'witnessed', u.p %% 3 = 0) ORDER BY u.p)
                FILTER (WHERE u.p IS NOT NULL), '[]') AS run
        FROM (
            SELECT device, max(p) FILTER (WHERE verdict = 'handled') AS woke FROM page_plan
            WHERE kind = 'voip' AND state = 'accepted' GROUP BY device
        ) c
        LEFT JOIN page_plan u ON u.device = c.device AND u.kind = 'voip'
            AND u.state = 'accepted' AND u.verdict = 'unhandled' AND u.p > coalesce(woke, 0)
        GROUP BY c.device
    ) runs
    """,
    """
    INSERT INTO notifications_tokenhealth (token_id, state, reason, at, last_accepted_at)
    SELECT id, state, CASE state WHEN 'valid' THEN '' WHEN 'retired' THEN 'Unregistered'
        ELSE 'BadDeviceToken' END, %(now)s - random() * interval '30 days', %(now)s
    FROM (SELECT id, CASE WHEN id %% 97 = 0 THEN 'retired' WHEN id %% 211 = 0
        THEN 'quarantined' WHEN id %% 1999 = 0 THEN 'wrong_topic' ELSE 'valid' END AS state
        FROM registrations_pushtoken) t
    """,
    """
    INSERT INTO notifications_tokenhealthchange (token_id, at, before, after, reason)
    SELECT token_id, at, 'valid', state, reason FROM notifications_tokenhealth
    WHERE state <> 'valid'
    """,
    """
    INSERT INTO registrations_deviceevent (device_id, token_id, kind, moment, before, after,
        feed_id, position)
    SELECT n, 2 * n - 1, 'reinstalled', %(now)s - random() * interval '30 days', '{}', '{}',
        1, n
    FROM generate_series(1, %(devices)s, 20) n
    """,
    """
    INSERT INTO notifications_auditentry (at, actor_name, action, subject, reason, detail)
    SELECT %(now)s - interval '30 days' * n / %(audit)s, 'person' || n %% 40,
        (ARRAY['push.resend', 'push.test', 'token.reveal', 'export.pushes'])[1 + n %% 4],
        'sip:anna' || n || '@sip.example.org', 'ticket ' || n,
        jsonb_build_object('push', gen_random_uuid())
    FROM generate_series(0, %(audit)s) n
    """,
    """
    INSERT INTO notifications_refusal (door, status, why, address, "by", asked, fingerprint,
        number, first_at, at)
    SELECT 'api', 422, 'type: must be voip, alert or background', '192.0.2.9', 'crm',
        '{"type": "call"}', n::text, 3, at, at
    FROM (SELECT n, %(now)s - n * interval '1 h' AS at FROM generate_series(1, 500) n) asked
    """,
    """
    INSERT INTO registrations_malformed (feed_id, rule, app, detail, flexisip, first_seen_at,
        last_seen_at, estimated, count, example)
    SELECT 1, 'token_count', 'LinphoneiOS/5.2.' || n, 'two services, one token', '',
        %(now)s, %(now)s, false, n, 'REGISTER sip:example.org SIP/2.0'
    FROM generate_series(1, 60) n
    """,
    "DROP TABLE page_plan",
)
DAY = (
    """
    INSERT INTO registrations_registration (day, moment, feed_id, file_id, position, device_id,
        kind, expires, assumed, call_id, line, estimated, fingerprint, cseq)
    SELECT %(day)s, %(day)s::timestamptz + interval '1 day' * r / %(rows)s, 1 + r %% 2,
        1 + r %% 2, r * 900, 1 + (r * 7919 + %(shift)s) %% %(devices)s, 'refreshed', 3600,
        false, '', '', false, 'aabbccddeeff', 20
    FROM generate_series(0::bigint, %(rows)s - 1) r
    """,
    """
    INSERT INTO registrations_sighting (day, moment, feed_id, file_id, position, device_id,
        token_id, kind, call_id, line, estimated)
    SELECT day, moment, feed_id, file_id, position, device_id, 2 * device_id - 1, 'register',
        '', '', false FROM registrations_registration WHERE day = %(day)s
    """,
)
#: Days whose signs of life are there too: verdicts look no further back.
SEEN_DAYS = 7


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each."""

    devices: int
    pushes: int
    registrations: int
    audit: int = 50_000


def days_before(now: datetime) -> list[datetime]:
    """The beginnings of the days of the history."""
    today = datetime(now.year, now.month, now.day, tzinfo=UTC)
    return [today - timedelta(days=ago) for ago in range(DAYS, -1, -1)]


def fill(url: str, size: Size, now: datetime) -> None:
    """Make the rows; the partitions of the days are there."""
    values = {
        "devices": size.devices,
        "pushes": size.pushes,
        "now": now,
        "audit": size.audit,
    }
    with psycopg.connect(url, autocommit=True) as session:
        # No checks of keys that hold by how they are made; nothing here outlives a crash.
        session.execute("SET session_replication_role = replica")
        session.execute("SET synchronous_commit = off")
        session.execute("SET work_mem = '256MB'")
        for statement in STATEMENTS:
            session.execute(statement, values)
        days = days_before(now)
        for number, day in enumerate(days):
            rows = size.registrations // len(days)
            shift = number * rows * 7919
            told = values | {"day": day, "rows": rows, "shift": shift}
            session.execute(DAY[0], told)
            if number >= len(days) - SEEN_DAYS:
                session.execute(DAY[1], told)
        _count_on(session)
        session.execute("VACUUM ANALYZE")


def _count_on(session: psycopg.Connection) -> None:
    """Sequences go on behind the rows that named their own id."""
    for table in ("notifications_app", "notifications_call", "notifications_build",
                  "registrations_feed", "registrations_logfile", "registrations_pushtoken",
                  "registrations_device"):  # fmt: skip
        session.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
            f" (SELECT max(id) FROM {table}))"
        )
