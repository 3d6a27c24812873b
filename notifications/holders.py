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


def holder_of(
    token: PushToken, now: datetime, aor: str = "", instance_id: str = ""
) -> Device:
    """Who holds the token: the device of `aor` first, and one that registered before one
    that was learned; without any, one learned from what is asked.

    FlexiAPI's form names no AOR: what was learned from it stands aside for whoever is named.
    """
    nameless = f"unknown ({token.masked})"
    holders = Device.objects.filter(holdings__token=token, holdings__current=True)

    def fitness(one: Device) -> tuple[bool, bool, bool, int]:
        return one.aor == aor, one.aor != nameless, not one.is_learned, one.pk

    ranked = sorted(holders, key=fitness)
    known = ranked[-1] if ranked else None
    if known is None or (aor and known.aor == nameless):
        known = Device.objects.learn(aor or nameless, instance_id, token)
    if known.aor != nameless and any(one.aor == nameless for one in ranked):
        Device.objects.unlearn(nameless, token, now)
    return known
