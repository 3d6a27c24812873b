"""How many beacons a second one web process takes in, and what of a core each costs there.

Every one is signed, of a phone and of a call of its own, over kept connections, as fast as
they are answered, against the real server with PostgreSQL and Redis.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg

from benchmarks.cpu import cpu_of
from benchmarks.gateway import BUNDLE_ID, manage, serving
from benchmarks.private_services import make_tables, run_alone
from benchmarks.quantiles import quantile
from simulator.beacons import Spoken, body_of

CONNECTIONS = 8
#: Sent before anything is measured: imports, connections, plans.
WARM = 50
#: A secret, and phones whose tokens are known to hash.
SETUP = f"""
from django.utils import timezone
from notifications.beacon_secrets import make_secret
from notifications.models import App
from registrations.models import Device, Holding, PushToken
now = timezone.now()
app, _ = App.objects.get_or_create(bundle_id="{BUNDLE_ID}", defaults=dict(name="Bench"))
for number in range(%d):
    aor = f"sip:u{{number}}@example.org"
    device = Device.objects.create(identity=aor, aor=aor, contact=aor, first_seen_at=now)
    token = PushToken.objects.create(environment="sandbox", bundle_id="{BUNDLE_ID}",
        kind="voip", token=f"{{number:064x}}", first_seen_at=now)
    Holding.objects.create(device=device, token=token, since=now)
print(make_secret(app, now))
"""


def main(arguments: list[str]) -> int:
    """1 when an answer was not 200, or a beacon was not stored."""
    parser = argparse.ArgumentParser(prog="bin/bench beacons", description=__doc__)
    parser.add_argument("--beacons", type=int, default=2000)
    parser.add_argument("--phones", type=int, default=500)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.inside:
        return run_alone("benchmarks.beacons", arguments)
    make_tables()
    said = manage("shell", "--verbosity=0", "-c", SETUP % given.phones)
    phones = Phones(said.split()[-1], given.phones)
    with serving() as (port, pid):
        result = measure(port, pid, phones, given)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["ok"] else 1


class Phones:
    """Makes beacons: the same number never twice."""

    def __init__(self, secret: str, count: int) -> None:
        self._secret, self._count = secret, count

    def beacon(self, number: int) -> bytes:
        """The body of a request."""
        spoken = Spoken(
            bundle_id=BUNDLE_ID,
            token=f"{number % self._count:064x}",
            call_id=f"bench-{number}",
            at_ms=int(time.time() * 1000),
        )
        return body_of(spoken, self._secret)


def measure(port: int, pid: int, phones: Phones, given: argparse.Namespace) -> dict:
    """Post them over some connections at once."""
    _post(port, [phones.beacon(number) for number in range(-WARM, 0)])
    before, begin = cpu_of(pid), time.perf_counter()
    shares = [range(each, given.beacons, CONNECTIONS) for each in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        posted = pool.map(lambda share: _post(port, map(phones.beacon, share)), shares)
        answers = [one for share in posted for one in share]
    seconds, spent = time.perf_counter() - begin, cpu_of(pid) - before
    times, statuses = (
        sorted(took for _, took in answers),
        Counter(s for s, _ in answers),
    )
    stored = _stored() - WARM
    return {
        "bench": "beacons",
        "beacons": given.beacons,
        "statuses": dict(statuses),
        "stored": stored,
        "a_second": round(given.beacons / seconds, 1),
        "web_cpu_ms_each": round(1000 * spent / given.beacons, 2),
        "p50_ms": round(quantile(times, 0.5), 2),
        "p95_ms": round(quantile(times, 0.95), 2),
        "load": round(os.getloadavg()[0], 1),
        "ok": statuses == {200: given.beacons} and stored == given.beacons,
    }


def _post(port: int, bodies) -> list[tuple[int, float]]:
    """Status and milliseconds of each."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers, answers = {"content-type": "application/json"}, []
    for body in bodies:
        begin = time.perf_counter()
        connection.request("POST", "/api/v1/beacons", body, headers)
        answer = connection.getresponse()
        answer.read()
        answers.append((answer.status, (time.perf_counter() - begin) * 1000))
    return answers


def _stored() -> int:
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        query = "SELECT count(*) FROM registrations_sighting WHERE kind = 'beacon'"
        return database.execute(query).fetchone()[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
