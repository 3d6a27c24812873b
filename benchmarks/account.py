"""Nothing lost, nothing doubled: what a demo's rows say against its log and its phones.

The truths stand beside the product: the simulated log read by `manage.py parse`, the inbox
of the simulated APNs, the phones themselves, and the callers' schedule.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks.product import ROOT, Product
from pushdash import private
from simulator.callers import load_roster, next_calls

FINAL = {"accepted", "rejected", "unknown", "failed", "expired", "cancelled", "held"}
KIND = {"voip": "voip", "alert": "remote"}
#: A call may be placed so long after its moment, and still be under way.
UNDER_WAY = timedelta(seconds=45)


@dataclass(slots=True)
class Account:
    """Counts of what was compared, and one sentence for each thing that is wrong."""

    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def same(self, what: str, expected: Counter, found: Counter) -> None:
        """Both must hold the same things, each as often."""
        self.counts[what] = expected.total()
        for name, rest in (("lost", expected - found), ("too many", found - expected)):
            if rest:
                self.wrong.append(
                    f"{what}: {rest.total()} {name}, {sorted(rest, key=str)[:3]}"
                )

    def none(self, what: str, found: list) -> None:
        """There must be none of these."""
        if found:
            self.wrong.append(f"{what}: {len(found)}, {found[:3]}")


def dormant(product: Product) -> set[str]:
    """The voip tokens of the phones that do not wake just now, as the phones know it."""
    kept = json.loads((product.var / "demo" / "fleet.json").read_text())
    phones = kept["fleet"]["phones"]
    asleep = {
        phone["voip_token"].lower()
        for phone in phones
        if phone["ignores"]
        or phone["failures"]
        or phone["is_blocked"]
        # Out of reach, deleted, or behind a network slower than the window.
        or not phone["is_online"]
        or not phone["is_installed"]
        or phone["network_ms"]
    }
    return asleep | set(kept["fleet"]["retired"])


def settle_accounts(
    product: Product, since: datetime, asked: list[str], asleep: set[str]
) -> Account:
    """Compare everything. `asked`: the ids of pushes that were requested beside the callers';
    `asleep`: tokens that were `dormant` at any time since `since`.
    """
    found = Account()
    with psycopg.connect(private.database_url(product.var)) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        _log(found, product, session)
        _pushes(found, session, asked)
        _calls_placed(found, product, session, since)
        _wire(found, product, session, since)
        _strikes(found, product, session, since, asleep)
    _rebuild(found, product)
    return found


def _log(found: Account, product: Product, session) -> None:
    (path, position, pk) = session.execute(
        # Beacons have a file of their own, which is never read.
        "SELECT path, position, id FROM registrations_logfile WHERE position > 0"
    ).fetchone()
    read = [row for row in parsed(path, position) if "call_id" in row]
    query = "SELECT position FROM registrations_{} WHERE file_id = %s"
    rows = {
        table: Counter(
            at for (at,) in session.execute(query.format(table), [pk]).fetchall()
        )
        for table in ("registration", "sighting")
    }
    # The answer to the last ones stands at `position` or beyond: it was taken in or not yet.
    open_ones = {row["position"] for row in read if not row["status"]}
    coming = Counter(
        row["position"]
        for row in parsed(path, Path(path).stat().st_size)
        if row.get("position") in open_ones and row["status"] == 200
    )
    accepted = Counter(row["position"] for row in read if row["status"] == 200)
    found.same("registrations", accepted, rows["registration"] - coming)
    everything = Counter(row["position"] for row in read if row["status"])
    found.same("sightings", everything, rows["sighting"] - Counter(open_ones))


def parsed(path: str, position: int) -> list[dict]:
    """What `manage.py parse` reads of the log's first `position` bytes."""
    with open(path, "rb") as log:
        text = log.read(position)
    done = subprocess.run(
        [sys.executable, "manage.py", "parse", "-"],
        cwd=ROOT,
        input=text,
        stdout=subprocess.PIPE,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _pushes(found: Account, session, asked: list[str]) -> None:
    rows = dict(
        session.execute("SELECT id::text, state FROM notifications_push").fetchall()
    )
    found.counts["pushes"] = len(rows)
    found.none(
        "pushes without a final state", [k for k in rows if rows[k] not in FINAL]
    )
    found.none("requested pushes that are lost", [k for k in asked if k not in rows])
    query = """
        SELECT push_id::text, count(*) FILTER (WHERE outcome IN ('accepted', 'rejected'))
        FROM notifications_attempt GROUP BY push_id"""
    answers = dict(session.execute(query).fetchall())
    spoken = [k for k in rows if rows[k] in {"accepted", "rejected"}]
    found.none("pushes with no answer kept", [k for k in spoken if not answers.get(k)])
    found.none("VoIP calls without a verdict row", _without_call(session))


def _without_call(session) -> list:
    query = """
        SELECT id::text FROM notifications_push
        WHERE push_type = 'voip' AND sip_call_id IS NULL AND state <> 'cancelled'
        AND ended_at < now() - interval '30 seconds'"""
    return session.execute(query).fetchall()


def _calls_placed(found: Account, product: Product, session, since: datetime) -> None:
    """Every call of the schedule whose phone can be pushed has its push, once."""
    seed, callees = load_roster(product.var / "demo" / "roster.json")
    query = """
        SELECT d.aor, d.instance_id, t.kind FROM registrations_holding h
        JOIN registrations_device d ON d.id = h.device_id
        JOIN registrations_pushtoken t ON t.id = h.token_id
        LEFT JOIN notifications_tokenhealth w ON w.token_id = t.id
        WHERE h.current AND coalesce(w.state, '') <> 'retired'"""
    able = set(session.execute(query).fetchall())
    calls = next_calls(seed, callees, since, datetime.now(UTC) - UNDER_WAY)
    wanted = Counter(
        call.call_id
        for call in calls
        if (call.aor, call.instance_id, KIND[call.push_type]) in able
    )
    query = "SELECT call_id FROM notifications_push WHERE origin = 'rehearsal'"
    placed = Counter(call_id for (call_id,) in session.execute(query).fetchall())
    found.same("calls placed", wanted, Counter({k: placed[k] for k in wanted}))


def _wire(found: Account, product: Product, session, since: datetime) -> None:
    """APNs took each accepted push once, and none that we call unsent."""
    lines = (product.var / "demo" / "inbox.jsonl").read_text().splitlines()
    taken = Counter(row["apns_id"] for row in map(json.loads, lines))
    query = """SELECT id::text, state, push_type FROM notifications_push
               WHERE created_at > %s"""
    pushes = session.execute(query, [since]).fetchall()
    accepted = Counter(pk for pk, state, _ in pushes if state == "accepted")
    found.same("accepted pushes at APNs", accepted, _once(taken, accepted))
    voip = {pk for pk, _, kind in pushes if kind == "voip"}
    found.none("VoIP pushes sent twice", [k for k in voip if taken[k] > 1])
    unsent = [pk for pk, state, _ in pushes if state in {"failed", "expired"}]
    found.none("pushes called unsent that APNs took", [k for k in unsent if taken[k]])
    found.counts["unknown"] = sum(state == "unknown" for _, state, _ in pushes)


def _once(taken: Counter, accepted: Counter) -> Counter:
    return Counter(pk for pk in accepted if taken[pk])


def _strikes(
    found: Account, product: Product, session, since: datetime, asleep: set[str]
) -> None:
    """A call is unhandled only if its phone really slept, and the log shows no waking."""
    query = """
        SELECT c.call_id, t.token, c.sent_at, c.handle_by, c.verdict
        FROM notifications_call c JOIN registrations_pushtoken t ON t.id = c.token_id
        WHERE c.accepted_at > %s"""
    calls = session.execute(query, [since]).fetchall()
    found.counts["verdicts"] = sum(verdict != "awaited" for *_, verdict in calls)
    unhandled = [call for call in calls if call[4] == "unhandled"]
    found.counts["strikes"] = len(unhandled)
    awake = [call[0] for call in unhandled if call[1] not in asleep]
    found.none("strikes of phones that wake", awake)
    log = product.var / "demo" / "flexisip-proxy.log"
    looks = _registers_by_token(log, since)
    seen = [
        call_id
        for call_id, token, sent_at, handle_by, _ in unhandled
        if any(sent_at <= at <= handle_by for at in looks.get(token, ()))
    ]
    found.none("strikes although the log shows a REGISTER", seen)


def _registers_by_token(log, since: datetime) -> dict[str, list[datetime]]:
    looks: dict[str, list[datetime]] = {}
    for row in parsed(str(log), log.stat().st_size):
        at = datetime.fromisoformat(row["at"])
        for contact in row["contacts"] if at > since else ():
            token = contact["tokens"].get("voip", "").lower()
            looks.setdefault(token, []).append(at)
    return looks


def _rebuild(found: Account, product: Product) -> None:
    """Verdicts made anew from the rows are those that stood."""
    query = """
        SELECT id, verdict, rule FROM notifications_call
        WHERE judged_at < now() - interval '5 seconds' AND verdict <> 'awaited'"""
    before = set(product.rows(query))
    rebuilding = product.manage("rebuild_risk")
    _, trouble = rebuilding.communicate(timeout=120)
    if rebuilding.returncode:
        found.wrong.append(f"rebuild_risk failed: {trouble[-200:]}")
    after = product.rows("SELECT id, verdict, rule FROM notifications_call")
    found.none("verdicts that differ when rebuilt", sorted(before - set(after)))
