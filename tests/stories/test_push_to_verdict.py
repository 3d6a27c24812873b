"""A push from the row to the verdict: real APNs server, real log, real rows."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.core.management import call_command
from django.utils import timezone

from notifications import delivery, handling
from notifications.credentials import seal
from notifications.models import App, Attempt, Call, Credential, Ledger, Push
from notifications.outbox import CannotSend, PushRequest, enqueue
from notifications.ownership import Owner
from registrations.models import Device, Feed
from simulator.apns import ApnsServer
from simulator.faults import Fault
from simulator.tls import make_identity
from tests.apns import VOIP, Phones

pytestmark = pytest.mark.django_db
CONTACT = (
    "<sip:alice@192.0.2.1;pn-provider=apns;pn-param=T.org.example.app.voip;"
    f'pn-prid={VOIP.upper()}>;+sip.instance="<urn:uuid:1>"'
)


@pytest.fixture
def apns(tmp_path):
    """A simulated APNs on a thread of its own, and the app's credential for it."""
    identity, phones = make_identity(tmp_path / "apns"), Phones()
    server, loop = ApnsServer(phones, identity), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    app = App.objects.create(bundle_id="org.example.app", name="Example")
    Credential.objects.create(
        app=app,
        environment="production",
        team_id=identity.team_id,
        key_id=identity.key_id,
        sealed_key=seal(identity.key_pem),
        server=Credential.Server.OTHER,
        host="localhost",
        port=server.port,
        ca_pem=identity.ca_pem,
        created_at=timezone.now(),
    )
    yield server
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


class Log:
    """A Flexisip log that grows, in the machine's local time, as Flexisip prints it."""

    def __init__(self, path) -> None:
        self._path, self._cseq = path, 0

    def register(self, at: datetime) -> None:
        self._cseq += 1
        key, stamp = f"0x{self._cseq}", self._stamp(at)
        self._write(
            f"{stamp} flexisip-message- A::b - Received SIP request [{key}] REGISTER\n"
            f"{stamp} flexisip-debug- A::b - Message:\n"
            "REGISTER sip:example.org SIP/2.0\r\nTo: <sip:alice@example.org>\r\n"
            f"Call-ID: c{self._cseq}\r\nCSeq: 1 REGISTER\r\nContact: {CONTACT}\r\n"
            f"Expires: 3600\r\n\r\n{stamp} flexisip-message- RequestSipEvent[{key}]::reply"
            " - Replying to SIP request: 200 x\n",
            at,
        )

    def pulse(self, at: datetime) -> None:
        self._write(
            f"{self._stamp(at)} flexisip-message- A::b - a line of any kind\n", at
        )

    def _stamp(self, at: datetime) -> str:
        local = at.astimezone()
        return f"{local:%Y-%m-%d %H:%M:%S}:{local.microsecond // 1000:03}"

    def _write(self, text: str, at: datetime) -> None:
        with self._path.open("ab") as file:
            file.write(text.encode())
        call_command("ingest", str(self._path), stderr=StringIO())
        # Read as soon as it was written, by the clock the story is told in.
        Feed.objects.update(last_read_at=at)


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "flexisip-proxy.log")


def drain() -> None:
    """What a worker does when it is woken, in a process that then ends."""
    with TemporaryDirectory() as folder:
        owner = Owner(Path(folder))
        try:
            budget = timedelta(seconds=5)
            list(delivery.drain(delivery.VOIP, owner, timezone.now, budget))
        finally:
            owner.close()


def send(push_type: str = "voip", **changes) -> Push:
    device = Device.objects.get()
    request = PushRequest(
        device=device, push_type=push_type, origin="command", **changes
    )
    (push,) = enqueue([request], timezone.now())
    drain()
    push.refresh_from_db()
    return push


@pytest.fixture
def alice(log, apns):
    log.register(timezone.now() - timedelta(minutes=10))
    return Device.objects.get()


def test_a_push_answered_by_a_register_is_handled_with_the_line_as_evidence(
    alice, log, apns
):
    push = send()
    assert push.state == "accepted"
    attempt = Attempt.objects.get(push=push)
    assert (attempt.outcome, attempt.status, attempt.apns_id) == (
        "accepted",
        200,
        str(push.pk),
    )
    woke_at = push.accepted_at + timedelta(seconds=2)
    log.register(woke_at)
    handling.settle(woke_at + timedelta(seconds=1))
    call = Call.objects.get()
    assert (call.verdict, call.rule) == ("handled", "register")
    assert call.evidence["feed"] == "flexisip-proxy.log"
    assert "REGISTER sip:alice@example.org" in call.evidence["line"]
    assert timedelta(seconds=1.9) < call.wake_time <= timedelta(seconds=2)


def test_a_push_nobody_answers_is_a_strike_only_when_the_log_was_read_past_it(
    alice, log, apns
):
    push = send()
    deadline = push.accepted_at + timedelta(seconds=35)
    now = deadline + timedelta(seconds=10)
    log.pulse(deadline - timedelta(seconds=1))
    handling.settle(now)
    call = Call.objects.get()
    assert call.verdict == "awaited"
    assert call.held_by[0]["feed"] == "flexisip-proxy.log"
    log.pulse(deadline + timedelta(seconds=1))
    handling.settle(now)
    call.refresh_from_db()
    assert (call.verdict, call.rule) == ("unhandled", "no_proof")
    ledger = Ledger.objects.get()
    assert (ledger.strikes, ledger.state) == (1, "silent")


def test_proof_read_late_takes_the_strike_back(alice, log, apns):
    push = send()
    late = push.accepted_at + timedelta(minutes=1)
    log.pulse(late)
    handling.settle(late)
    assert Ledger.objects.get().strikes == 1
    log.register(push.accepted_at + timedelta(seconds=3))
    handling.settle(late + timedelta(seconds=1))
    assert Call.objects.get().verdict == "handled"
    assert Ledger.objects.get().strikes == 0


def test_no_feed_means_no_verdict(alice, apns):
    push = send()
    Feed.objects.update(enabled=False)
    handling.settle(push.accepted_at + timedelta(minutes=5))
    assert Call.objects.get().verdict == "awaited"
    assert Call.objects.get().held_by[0]["why"] == "no feed"


def test_an_answer_that_never_comes_is_unknown_and_never_sent_again(alice, apns):
    apns.faults.add(Fault("drop"))
    push = send()
    assert push.state == "unknown"
    drain()
    assert apns.received[str(push.pk)] == 1


def test_nothing_leaves_after_its_life(alice, apns):
    request = PushRequest(device=alice, push_type="voip", origin="command")
    (push,) = enqueue([request], timezone.now() - timedelta(minutes=1))
    drain()
    push.refresh_from_db()
    assert push.state == "expired"
    assert apns.received[str(push.pk)] == 0


def test_rows_of_a_lost_machine_come_home_unknown(alice, apns):
    (push,) = enqueue(
        [PushRequest(device=alice, push_type="voip", origin="command")], timezone.now()
    )
    claimed_at = timezone.now() - timedelta(seconds=61)
    Push.objects.update(state="sending", owner=4242, claimed_at=claimed_at)
    drain()
    push.refresh_from_db()
    assert push.state == "unknown"
    assert apns.received[str(push.pk)] == 0


def test_what_cannot_be_sent_says_why(alice, apns):
    with pytest.raises(CannotSend, match="has no remote token"):
        send("alert")
    App.objects.get().credentials.all().delete()
    with pytest.raises(CannotSend, match="has no credential for production"):
        send()
