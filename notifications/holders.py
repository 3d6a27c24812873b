"""Which devices a push is for: by AOR as a call would be forked, or by who holds a token."""

from __future__ import annotations

from datetime import datetime

from registrations.models import Device, PushToken


def bound_devices(aor: str, instance: str | None, now: datetime) -> list[Device]:
    """The devices a call to this AOR would be forked to."""
    devices = Device.objects.bound_at(now).filter(aor=aor)
    if instance:
        devices = devices.filter(instance_id=instance)
    return list(devices)


def why_none(aor: str, instance: str | None) -> str:
    """One sentence: what is known of an AOR that has no bound device."""
    known = Device.objects.filter(aor=aor)
    if not known.exists():
        return f"{aor}: no device with this AOR was ever seen"
    if instance and not known.filter(instance_id=instance).exists():
        return f"{aor}: no device with the instance-id {instance}"
    return f"{aor}: known, but no device is bound now (de-registered or expired)"


def holder_of(token: PushToken, aor: str = "", instance_id: str = "") -> Device:
    """Who holds the token, the device of `aor` first; else one learned from what was asked."""
    holders = Device.objects.filter(holdings__token=token, holdings__current=True)
    called = holders.filter(aor=aor).last() if aor else None
    known = called or holders.last()
    if known is not None:
        return known
    return Device.objects.learn(aor or f"unknown ({token.masked})", instance_id, token)
