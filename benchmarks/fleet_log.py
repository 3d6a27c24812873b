"""Writes a Flexisip 2.5 log of a large fleet, and the rows of that fleet, for benchmarks.

Device N is the same in the log and in the tables, so that reading the log changes phones that
are there; a share of the REGISTERs is news.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

#: Tables of devices 1…N as `write` sees them.
FLEET_SQL = (
    """
    INSERT INTO registrations_pushtoken (environment, bundle_id, kind, token,
        first_seen_at)
    SELECT 'production', 'org.example.phone', kind,
        CASE kind WHEN 'voip' THEN lpad(to_hex(n), 64, '0')
            ELSE lpad(to_hex(n), 63, '0') || 'f' END,
        %(start)s
    FROM generate_series(1, %(devices)s) n, (VALUES ('voip'), ('remote')) k (kind)
    """,
    """
    INSERT INTO registrations_device (identity, aor, instance_id, contact, user_agent,
        pn_provider, pn_param, team_id, bundle_id, environment, bound, expires_at,
        last_registered_at, first_seen_at, last_seen_at, assumed, accepted, call_id,
        cseq, problems, settled, voip_id)
    SELECT aor || ' ' || instance, aor, instance,
        format('sip:user%%s@192.0.2.7:5060;transport=tls;pn-prid=%%s:voip&%%s:remote;'
            'pn-provider=apns;pn-param=ABCD1234.org.example.phone.voip&remote;'
            'pn-silent=1;pn-timeout=0;pn-msg-str=IM_MSG;pn-call-str=IC_MSG;'
            'pn-groupchat-str=GC_MSG',
            n, lpad(to_hex(n), 64, '0'), lpad(to_hex(n), 63, '0') || 'f'),
        'LinphoneiOS/5.2.3 (iPhone) LinphoneSDK/5.3.26', 'apns',
        'ABCD1234.org.example.phone.voip&remote', 'ABCD1234', 'org.example.phone',
        'production', true, %(start)s, %(start)s, %(start)s, %(start)s, false, true,
        n || '-old', 20, '[]', true, t.id
    FROM (SELECT n, format('sip:user%%s@sip.example.org', n) AS aor,
        'urn:uuid:00000000-0000-4000-8000-' || lpad(n::text, 12, '0') AS instance
        FROM generate_series(1, %(devices)s) n) fleet
    JOIN registrations_pushtoken t
        ON t.kind = 'voip' AND t.token = lpad(to_hex(n), 64, '0')
    ORDER BY n
    """,
    """
    INSERT INTO registrations_holding (device_id, token_id, current, since)
    SELECT d.id, t.id, true, %(start)s
    FROM registrations_device d
    CROSS JOIN (VALUES ('voip', 'pn-prid=(.{64})'), ('remote', 'voip&(.{64})'))
        k (kind, place)
    JOIN registrations_pushtoken t ON t.kind = k.kind
        AND t.token = substring(d.contact FROM place)
    ORDER BY d.id, t.id
    """,
)


def fill(url: str, devices: int, start: datetime) -> None:
    """Make the rows of devices 1…N in the database of this URL."""
    with psycopg.connect(url, autocommit=True) as session:
        # No checks of keys that hold by how they are made.
        session.execute("SET session_replication_role = replica")
        for statement in FLEET_SQL:
            session.execute(statement, {"start": start, "devices": devices})
        session.execute("VACUUM ANALYZE")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a log is made of: shares of REGISTERs from 0 to 1.

    `new`: of phones not in the tables. `changed`: with a new Contact port. `challenged`:
    preceded by their 401 round.
    """

    new: float = 0.02
    changed: float = 0.03
    challenged: float = 0.0
    seed: int = 7


def aor(number: int) -> str:
    return f"sip:user{number}@sip.example.org"


def instance_id(number: int) -> str:
    return f"urn:uuid:00000000-0000-4000-8000-{number:012d}"


def contact(number: int, voip: str, remote: str, port: int = 5060) -> str:
    """The URI as Linphone writes it."""
    return (
        f"sip:user{number}@192.0.2.7:{port};transport=tls;"
        f"pn-prid={voip}:voip&{remote}:remote;pn-provider=apns;"
        "pn-param=ABCD1234.org.example.phone.voip&remote;pn-silent=1;pn-timeout=0;"
        "pn-msg-str=IM_MSG;pn-call-str=IC_MSG;pn-groupchat-str=GC_MSG"
    )


def write(
    path: Path, registers: int, devices: int, start: datetime, shape: Shape
) -> int:
    """Write a log of so many REGISTERs of a fleet of `devices`; how many were written."""
    written = 0
    with path.open("w", encoding="ascii") as log:
        for text in exchanges(registers, devices, start, shape):
            log.write(text)
            written += 1
    return written


def exchanges(
    registers: int, devices: int, start: datetime, shape: Shape
) -> Iterator[str]:
    """The same, REGISTER by REGISTER with its answer."""
    dice = random.Random(shape.seed)
    for index in range(registers):
        number = dice.randrange(1, devices + 1)
        if dice.random() < shape.new:
            number = devices + index + 1
        port = 5061 if dice.random() < shape.changed else 5060
        yield from _rounds(number, index, port, start, dice, shape)


def _rounds(number, index, port, start, dice, shape) -> Iterator[str]:
    at_ms = index  # 1,000 REGISTERs a second
    call_id = f"{number:x}-{shape.seed}-{index:x}~"
    if dice.random() < shape.challenged:
        yield exchange(number, start, at_ms, call_id, 20, port, status=401)
        yield exchange(number, start, at_ms, call_id, 21, port, status=200)
    else:
        yield exchange(number, start, at_ms, call_id, 21, port, status=200)


def exchange(
    number: int,
    start: datetime,
    at_ms: int,
    call_id: str,
    cseq: int,
    port: int,
    *,
    status: int,
    tokens: tuple[str, str] | None = None,
) -> str:
    """One received REGISTER and its answer as Flexisip 2.5 logs them at debug level."""
    stamp = stamp_of(start, at_ms)
    pointer = f"0x7f{(at_ms * 2 + cseq % 2) % 99991:08x}"
    voip, remote = tokens or tokens_of(number)
    credentials = (
        'Authorization: Digest realm="sip.example.org", username="x", nonce="abc",'
        f' response="{at_ms:032x}"\r\n'
        if status == 200
        else ""
    )
    reason = "Registration successful" if status == 200 else "Unauthorized"
    return (
        f"{stamp} flexisip-message- Agent::processRequest - Received SIP request"
        f" [{pointer}] REGISTER ({cseq} - {call_id}) from {aor(number)}\n"
        f"{stamp} flexisip-debug- Agent::processRequest - Message:\n"
        "REGISTER sip:sip.example.org SIP/2.0\r\n"
        f"Via: SIP/2.0/TLS 192.0.2.7:{port};branch=z9hG4bK.{call_id}{cseq};rport\r\n"
        f"From: <{aor(number)}>;tag=aB3~x\r\nTo: {aor(number)}\r\n"
        f"CSeq: {cseq} REGISTER\r\nCall-ID: {call_id}\r\nMax-Forwards: 70\r\n"
        "Supported: replaces, outbound, gruu, path, record-aware\r\n"
        "Accept: application/sdp\r\nAccept: text/plain\r\n"
        f"Contact: <{contact(number, voip, remote, port)}>"
        f';+sip.instance="<{instance_id(number)}>"\r\n'
        "Expires: 3600\r\n"
        "User-Agent: LinphoneiOS/5.2.3 (iPhone) LinphoneSDK/5.3.26\r\n"
        f"Content-Length: 0\r\n{credentials}\r\n"
        f"{stamp} flexisip-message- RequestSipEvent[{pointer}]::reply - Replying to SIP"
        f" request: {status} {reason}\n"
    )


def tokens_of(number: int) -> tuple[str, str]:
    """Both tokens of a phone."""
    return f"{number:064x}", f"{number:063x}f"


def stamp_of(start: datetime, at_ms: int) -> str:
    """Flexisip's time stamp, `at_ms` after a start on a whole second, where TZ is UTC."""
    seconds, ms = divmod(at_ms, 1000)
    moment = start + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}:{ms:03d}"
