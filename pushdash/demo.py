"""What the demo needs in the database: logins, apps that speak to the simulator, its past.

Only facts are written here (pushes and attempts that the simulated callers asked for); every
verdict and strike is drawn from them by the product itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db import transaction

from notifications.beacon_secrets import make_secret
from notifications.credentials import seal
from notifications.models import App, Attempt, Credential, Push
from notifications.outbox import CannotSend, PushRequest, enqueue
from notifications.policy import life_of
from registrations.models import Device, Environment, PushToken
from simulator.beacons import PLACE

BATCH = 1000
#: The callers make up for a pause no longer than this: nobody rings for a call of last week.
LONGEST_PAUSE = timedelta(seconds=90)
#: The app that posts beacons.
SPEAKS = "com.acme.talk"
APP_NAMES = {"org.linphone.phone": "Linphone", "com.acme.talk": "Acme Talk"}


def create_users(passwords: Mapping[str, str]) -> None:
    """One login a group (ops, support, admin), with this start's password."""
    for name, password in passwords.items():
        user, _ = User.objects.get_or_create(username=name)
        user.set_password(password)
        user.is_active = True
        user.save()
        user.groups.set([Group.objects.get(name=name)])


def create_apps(identity, port: int, now: datetime) -> None:
    """The fleet's apps, with a credential each environment for the simulator on `port`."""
    for bundle_id, name in APP_NAMES.items():
        app, _ = App.objects.get_or_create(bundle_id=bundle_id, defaults={"name": name})
        for environment in Environment.values:
            Credential.objects.update_or_create(
                app=app,
                environment=environment,
                defaults={
                    "team_id": identity.team_id,
                    "key_id": identity.key_id,
                    "sealed_key": seal(identity.key_pem),
                    "server": Credential.Server.OTHER,
                    "host": "localhost",
                    "port": port,
                    "ca_pem": identity.ca_pem,
                    "created_at": now,
                },
            )


def create_beacons(folder: Path, url: str, now: datetime) -> None:
    """One of the apps posts beacons to `url`: the fleet is told its secret."""
    app = App.objects.get(bundle_id=SPEAKS)
    told = {"url": f"{url}/api/v1/beacons", "secrets": {SPEAKS: make_secret(app, now)}}
    place = folder / PLACE
    place.touch(mode=0o600)
    place.write_text(json.dumps(told))


def past_is_imported() -> bool:
    """True when a push of the rehearsal is there already."""
    return Push.objects.filter(origin=Push.Origin.REHEARSAL).exists()


def import_past(journal: Path) -> int:
    """Store the pushes the simulated callers asked for before the demo began.

    `journal` is JSON lines of `simulator.past`; each becomes a Push and its one Attempt.
    Returns how many. All or none.
    """
    apps = {app.bundle_id: app for app in App.objects.all()}
    tokens = {
        (token.environment, token.token): token for token in PushToken.objects.all()
    }
    devices = {
        (device.aor, device.instance_id): device for device in Device.objects.all()
    }
    pushes, attempts = [], []
    for row in _rows(journal):
        token = tokens.get((row["environment"], row["token"].lower()))
        device = devices.get((row["aor"], row["instance_id"]))
        if token is not None and device is not None:
            push = _past_push(row, device, token, apps[token.bundle_id])
            pushes.append(push)
            attempts.append(_past_attempt(row, push))
    with transaction.atomic():
        Push.objects.bulk_create(pushes, batch_size=BATCH)
        Attempt.objects.bulk_create(attempts, batch_size=BATCH)
    return len(pushes)


def _rows(journal: Path) -> Iterator[dict]:
    with journal.open() as lines:
        for line in lines:
            yield json.loads(line)


def _past_push(row: dict, device: Device, token: PushToken, app: App) -> Push:
    asked_at = datetime.fromisoformat(row["requested_at"])
    sent_at = datetime.fromisoformat(row["sent_at"])
    is_accepted = row["status"] == 200
    is_voip = row["push_type"] == Push.Type.VOIP
    answered_at = datetime.fromisoformat(row["answered_at"])
    return Push(
        id=UUID(row["apns_id"]),
        device=device,
        token=token,
        app=app,
        origin=Push.Origin.REHEARSAL,
        push_type=row["push_type"],
        environment=token.environment,
        topic=token.bundle_id + (".voip" if is_voip else ""),
        priority=10,
        payload=row["payload"],
        call_id=row["call_id"],
        state=Push.State.ACCEPTED if is_accepted else Push.State.REJECTED,
        reason=row["reason"] or "",
        created_at=asked_at,
        due_at=asked_at,
        expires_at=asked_at + life_of(app, row["push_type"]),
        sent_at=sent_at,
        accepted_at=answered_at if is_accepted else None,
        ended_at=answered_at,
        attempt_count=1,
    )


def _past_attempt(row: dict, push: Push) -> Attempt:
    return Attempt(
        push=push,
        number=1,
        started_at=push.sent_at,
        ended_at=push.ended_at,
        outcome="accepted" if row["status"] == 200 else "rejected",
        status=row["status"],
        reason=row["reason"] or "",
        apns_id=row["apns_id"],
        latency_ms=(push.ended_at - push.sent_at).total_seconds() * 1000,
    )


def place(calls, now: datetime) -> tuple[int, list[str]]:
    """Queue what the simulated callers ask for now, each call once. Returns how many, and
    what could not be.
    """
    placed, refused = 0, []
    for call in calls:
        if Push.objects.filter(call_id=call.call_id).exists():
            continue
        device = Device.objects.filter(
            aor=call.aor, instance_id=call.instance_id
        ).first()
        if device is None:
            refused.append(f"{call.aor}: not registered yet")
            continue
        request = PushRequest(
            device=device,
            push_type=call.push_type,
            origin=Push.Origin.REHEARSAL,
            call_id=call.call_id,
            from_uri=call.caller,
        )
        try:
            placed += len(enqueue([request], now))
        except CannotSend as error:
            refused.append(str(error))
    return placed, refused
