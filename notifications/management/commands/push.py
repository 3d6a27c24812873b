"""`manage.py push`: send a push to every bound device of an AOR, and watch it end."""

from __future__ import annotations

import json
import time
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from notifications.holders import bound_devices, why_none
from notifications.models import Call, Push
from notifications.outbox import CannotSend, PushRequest, enqueue, new_call_id
from notifications.push_facts import as_dict

POLL_SECONDS = 0.2
#: Without --wait: how long a worker may take to say what APNs answered.
OUTCOME_SECONDS = 35


class Command(BaseCommand):
    help = (
        "Send a push to every bound device of an AOR, one push each. Exit status 0 only "
        "if APNs accepted all of them."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--aor", required=True, help="sip:user@domain")
        parser.add_argument("--instance", help="only the device with this instance-id")
        parser.add_argument("--type", required=True, choices=Push.Type.values)
        parser.add_argument(
            "--call-id", default="", help="the SIP call it belongs to (default: new)"
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="until the verdict of a VoIP push, the outcome of others",
        )
        parser.add_argument(
            "--timeout",
            type=float,
            default=180,
            metavar="SECONDS",
            help="how long --wait waits (default: 180)",
        )
        parser.add_argument(
            "--json", action="store_true", help="one JSON object a push"
        )

    def handle(self, *, aor: str, instance: str | None, **options) -> None:
        now = timezone.now()
        devices = bound_devices(aor, instance, now)
        if not devices:
            raise CommandError(why_none(aor, instance))
        call_id = options["call_id"]
        if options["type"] == Push.Type.VOIP:
            call_id = call_id or new_call_id()
        requests = [
            PushRequest(
                device=device,
                push_type=options["type"],
                origin=Push.Origin.COMMAND,
                call_id=call_id,
            )
            for device in devices
        ]
        pushes, refusals = self._queue(requests, now)
        if not pushes:
            raise CommandError("; ".join(refusals))
        is_over = is_concluded if options["wait"] else is_ended
        patience = options["timeout"] if options["wait"] else OUTCOME_SECONDS
        wait_for(pushes, is_over, timedelta(seconds=patience))
        for push in pushes:
            self.stdout.write(
                json.dumps(as_dict(push)) if options["json"] else as_line(push)
            )
        if refusals or any(push.state != Push.State.ACCEPTED for push in pushes):
            raise SystemExit(1)

    def _queue(self, requests, now) -> tuple[list[Push], list[str]]:
        """A desk phone bound to the same AOR must not keep the iPhones from ringing."""
        pushes, refusals = [], []
        for request in requests:
            try:
                pushes += enqueue([request], now)
            except CannotSend as error:
                refusals.append(str(error))
        if pushes:
            for refusal in refusals:
                self.stderr.write(f"not sent: {refusal}")
        return pushes, refusals


def wait_for(pushes: list[Push], is_over, timeout: timedelta) -> None:
    """Poll the rows until `is_over` says so of each, or the time is up."""
    until = time.monotonic() + timeout.total_seconds()
    while not all(is_over(push) for push in pushes) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        for push in pushes:
            push.refresh_from_db()


def is_ended(push: Push) -> bool:
    """True when no worker will touch this push again."""
    return push.state in Push.FINAL


def is_concluded(push: Push) -> bool:
    """True when there is nothing more to learn: a VoIP push has its verdict."""
    if not is_ended(push) or push.push_type != Push.Type.VOIP:
        return is_ended(push)
    call = push.sip_call
    return call is not None and call.verdict != Call.Verdict.AWAITED


def as_line(push: Push) -> str:
    """A push as a person reads it."""
    facts = as_dict(push)
    words = [push.device.aor, push.push_type, push.token.masked, push.state]
    if facts["reason"]:
        words.append(f"({facts['reason']})")
    if push.state == Push.State.QUEUED:
        words.append("(no worker has taken it: is one running?)")
    if facts["verdict"]:
        words.append(f"→ {facts['verdict']} ({facts['rule'] or 'no rule yet'})")
    if facts["wake_seconds"] is not None:
        words.append(f"after {facts['wake_seconds']:.1f} s")
    if facts["evidence"]:
        evidence = facts["evidence"]
        words.append(f"by {evidence['kind']} in {evidence['feed']}")
        words.append(f"at byte {evidence['position']} of {evidence['file']}")
    return " ".join(words)
