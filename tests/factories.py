"""Rows for tests: apps, devices with tokens, feeds, pushes and signs of life."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from notifications.models import App, Credential, Push
from registrations import partitions
from registrations.models import (
    Device,
    DeviceEvent,
    Environment,
    Feed,
    Holding,
    LogFile,
    PushToken,
    Sighting,
)
from registrations.readings import note_reading

MORNING = datetime(2026, 11, 24, 9, tzinfo=UTC)
BUNDLE_ID = "org.example.phone"
_numbers = itertools.count(1)


def app(bundle_id: str = BUNDLE_ID, **policy) -> App:
    """An app with PRODUCT.md's policy, or with `policy` changed."""
    values = {"name": "Phone", **policy}
    return App.objects.update_or_create(bundle_id=bundle_id, defaults=values)[0]


def sandbox_credential() -> Credential:
    """A provider key of `app()` whose sealed key nobody opens."""
    return Credential.objects.create(
        app=app(),
        environment=Environment.SANDBOX,
        team_id="TEAM123456",
        key_id="KEY1234567",
        sealed_key=b"never opened here",
        server="sandbox",
        created_at=MORNING,
    )


def push_token(kind: str = "voip", bundle_id: str = BUNDLE_ID) -> PushToken:
    """A token nobody holds yet."""
    return PushToken.objects.create(
        environment=Environment.SANDBOX,
        bundle_id=bundle_id,
        kind=kind,
        token=f"{next(_numbers):064x}",
        first_seen_at=MORNING,
    )


def registered_device(
    aor: str = "", *, voip: PushToken | None = None, bundle_id: str = BUNDLE_ID
) -> Device:
    """A bound device that holds a voip token (`voip`, else a new one) and a remote one."""
    number = next(_numbers)
    aor = aor or f"sip:phone{number}@example.org"
    instance_id = f"<urn:uuid:00000000-0000-4000-8000-{number:012d}>"
    device = Device.objects.create(
        identity=f"{aor} {instance_id}",
        aor=aor,
        instance_id=instance_id,
        contact=f"sip:phone{number}@192.0.2.1:5060",
        pn_provider="apns.dev",
        bundle_id=bundle_id,
        environment=Environment.SANDBOX,
        bound=True,
        accepted=True,
        first_seen_at=MORNING,
        last_seen_at=MORNING,
        last_registered_at=MORNING,
    )
    tokens = [voip or push_token("voip", bundle_id), push_token("remote", bundle_id)]
    for token in tokens:
        Holding.objects.create(device=device, token=token, since=MORNING)
    return device


def token_of(device: Device, kind: str = "voip") -> PushToken:
    """The token of that kind the device holds now."""
    return PushToken.objects.get(
        holdings__device=device, holdings__current=True, kind=kind
    )


def feed(name: str = "proxy", *, seen_until: datetime | None = None, **values) -> Feed:
    """A followed feed, read up to `seen_until`."""
    defaults = {"followed": True, "shows_times": True, "seen_until": seen_until}
    return Feed.objects.update_or_create(name=name, defaults={**defaults, **values})[0]


def accepted_push(
    device: Device,
    sent_at: datetime,
    *,
    call_id: str = "",
    push_type: str = "voip",
    state: str = "accepted",
) -> Push:
    """A push to the device that left at `sent_at`; APNs took it 100 ms later."""
    kind = "voip" if push_type == "voip" else "remote"
    is_accepted = state == "accepted"
    suffix = ".voip" if push_type == "voip" else ""
    return Push.objects.create(
        device=device,
        token=token_of(device, kind),
        app=app(device.bundle_id),
        origin=Push.Origin.COMMAND,
        push_type=push_type,
        environment=Environment.SANDBOX,
        topic=device.bundle_id + suffix,
        priority=10,
        payload={"aps": {}},
        call_id=call_id or f"call-{next(_numbers)}",
        state=state,
        created_at=sent_at,
        due_at=sent_at,
        expires_at=sent_at + timedelta(seconds=30),
        sent_at=sent_at if state in {"accepted", "rejected", "unknown"} else None,
        accepted_at=sent_at + timedelta(milliseconds=100) if is_accepted else None,
        ended_at=sent_at + timedelta(milliseconds=100),
    )


def sighting(
    device: Device, moment: datetime, kind: str = "register", **values
) -> Sighting:
    """A sign of life of the device; `feed`, `call_id`, `code`, `token` may be given."""
    source = values.pop("feed", None) or Feed.objects.filter(enabled=True).first()
    source = source or feed(seen_until=moment)
    file, _ = LogFile.objects.get_or_create(
        feed=source, path="/var/log/proxy.log", defaults={"opened_at": MORNING}
    )
    partitions.ensure([moment.date()])
    row = Sighting.objects.create(
        day=moment.date(),
        moment=moment,
        feed=source,
        file=file,
        position=next(_numbers),
        device=device,
        kind=kind,
        line=values.pop("line", "REGISTER sip:example.org SIP/2.0"),
        **values,
    )
    note_reading(source, [(row.device_id, row.token_id, row.moment)], moment)
    return row


def reinstall(device: Device, moment: datetime) -> DeviceEvent:
    """The app of the device's voip token was reinstalled."""
    row = DeviceEvent.objects.create(
        device=device,
        token=token_of(device),
        kind=DeviceEvent.Kind.REINSTALLED,
        moment=moment,
        feed=Feed.objects.first(),
        position=next(_numbers),
    )
    note_reading(row.feed, [(row.device_id, row.token_id, row.moment)], moment)
    return row
