"""What becomes of a push after APNs' 200: stored, discarded, delivered, and what iOS makes of
it (APNS.md A6, A7). Each step is a line of the delivery log, in the words of Apple's Push
Notifications Console where it has some.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from simulator.directory import Delivery
from simulator.phone import IosRule, Reaction, fail, handle, react

#: Apple, "Pushing background updates": no more than two or three an hour.
BACKGROUND_AN_HOUR = 3
HOUR = timedelta(hours=1).total_seconds()

DELIVERED, FROM_STORAGE = "Delivered to Device", "Delivered (From Storage)"
STORED_OFFLINE = "Stored - Device Offline"
STORED_POWER = "Stored - Power Considerations"
EXPIRED, DISABLED = "Discarded - Expired", "Discarded - Disabled"
OFFLINE = "Discarded - Device Offline"
REPLACED, THROTTLED = "Discarded - Replaced", "Discarded - Throttled"
UNINSTALLED = "Discarded - Token Unregistered"
LAUNCHED, KILLED = "App launched", "App killed: 0xBAADCA11"
FORCE_QUIT = "App not launched: force-quit"
WITHHELD = "App not launched: failed to report calls"


@dataclass(slots=True, kw_only=True)
class Device:
    """One install. What a test or the admin endpoint may set comes first."""

    is_online: bool = True
    is_installed: bool = True
    saves_power: bool = False
    is_muted: bool = False
    is_force_quit: bool = False
    is_foreground: bool = False
    in_call: bool = False
    #: iOS 26.4: `PKVoIPPushMetadata.mustReport`.
    must_report: bool = True
    #: From delivery until the app reports the call; so many calls it never reports (-1: none).
    report_ms: int = 500
    ignores: int = 0

    failures: int = 0
    is_blocked: bool = False
    blocked_at: float = 0.0
    #: Newest waiting push of each bundle.
    stored: dict[str, Delivery] = field(default_factory=dict)
    background_at: list[float] = field(default_factory=list)

    def is_open(self, at_ms: int) -> bool:
        """iOS's rule does not count now."""
        return self.is_foreground or self.in_call or not self.must_report


SETTABLE = frozenset(
    [
        "is_online",
        "is_installed",
        "saves_power",
        "is_muted",
        "is_force_quit",
        "is_foreground",
        "in_call",
        "must_report",
        "report_ms",
        "ignores",
    ]
)


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the delivery log; `at` in seconds of the epoch."""

    at: float
    apns_id: str
    token: str
    event: str


class Devices:
    """The devices behind tokens, and their delivery log."""

    def __init__(
        self, rule: IosRule | None = None, forgives_after: timedelta | None = None
    ) -> None:
        """`forgives_after`: how long a block lasts; None: until a reinstall."""
        self._rule, self._forgives_after = rule or IosRule(), forgives_after
        self._devices: dict[str, Device] = {}
        self.log: list[Logged] = []

    def of(self, token: str) -> Device:
        """The device of a token; a new one is online and well."""
        return self._devices.setdefault(token, Device())

    def change(self, token: str, at: float, **states: bool | int) -> None:
        """Set states; what waited for them arrives. Raises ValueError for none of them."""
        device = self.of(token)
        for name, value in states.items():
            kept = getattr(device, name, None) if name in SETTABLE else None
            if kept is None or type(value) is not type(kept):
                raise ValueError(f"no device has {name} = {value!r}")
            setattr(device, name, value)
        self._empty_storage(token, at)

    def deliver(self, delivery: Delivery) -> None:
        """APNs accepted this push."""
        device, at = self.of(delivery.token), delivery.received_at
        if not device.is_installed:
            self._note(delivery, at, UNINSTALLED)
        elif not device.is_online and delivery.expiration == 0:
            self._note(delivery, at, OFFLINE)
        elif not device.is_online:
            self._store(device, delivery, STORED_OFFLINE)
        elif device.saves_power and delivery.priority < 10:
            self._store(device, delivery, STORED_POWER)
        else:
            self._arrive(device, delivery, at, DELIVERED)

    def events(self, apns_id: str) -> list[str]:
        """What the log tells of one push, in order."""
        return [line.event for line in self.log if line.apns_id == apns_id]

    def _store(self, device: Device, delivery: Delivery, event: str) -> None:
        """Apple: only one push a bundle id is stored."""
        bundle_id = delivery.topic.removesuffix(".voip")
        older = device.stored.pop(bundle_id, None)
        if older is not None:
            self._note(older, delivery.received_at, REPLACED)
        device.stored[bundle_id] = delivery
        self._note(delivery, delivery.received_at, event)

    def _empty_storage(self, token: str, at: float) -> None:
        device = self.of(token)
        for bundle_id, delivery in list(device.stored.items()):
            if 0 < delivery.expiration <= at:
                self._note(delivery, at, EXPIRED)
            elif not device.is_online or (
                device.saves_power and delivery.priority < 10
            ):
                continue
            else:
                self._arrive(device, delivery, at, FROM_STORAGE)
            del device.stored[bundle_id]

    def _arrive(self, device: Device, delivery: Delivery, at: float, how: str) -> None:
        if delivery.push_type == "alert" and device.is_muted:
            self._note(delivery, at, DISABLED)
        elif delivery.push_type == "background" and self._is_too_much(device, at):
            self._note(delivery, at, THROTTLED)
        else:
            self._note(delivery, at, how)
            self._wake(device, delivery, at)

    def _is_too_much(self, device: Device, at: float) -> bool:
        device.background_at = [one for one in device.background_at if at - one < HOUR]
        device.background_at.append(at)
        return len(device.background_at) > BACKGROUND_AN_HOUR

    def _wake(self, device: Device, delivery: Delivery, at: float) -> None:
        if delivery.push_type == "background" and device.is_force_quit:
            self._note(delivery, at, FORCE_QUIT)
        elif delivery.push_type == "background":
            self._note(delivery, at, LAUNCHED)
        elif delivery.push_type == "voip":
            self._ring(device, delivery, at)

    def _ring(self, device: Device, delivery: Delivery, at: float) -> None:
        self._forgive(device, at)
        at_ms = int(at * 1000)
        reaction = react(device, "voip", at_ms, device.report_ms, self._rule)
        if reaction == Reaction.WITHHELD:
            self._note(delivery, at, WITHHELD)
            return
        self._note(delivery, at, LAUNCHED)
        if reaction == Reaction.FAILS:
            fail(device, self._rule)
            device.blocked_at = at
            self._note(delivery, at + self._rule.limit_ms / 1000, KILLED)
        elif not device.is_open(at_ms):
            handle(device)

    def _forgive(self, device: Device, at: float) -> None:
        after = self._forgives_after
        if after is None or not device.is_blocked:
            return
        if at - device.blocked_at >= after.total_seconds():
            device.is_blocked, device.failures = False, 0

    def _note(self, delivery: Delivery, at: float, event: str) -> None:
        self.log.append(Logged(at, delivery.apns_id, delivery.token, event))
