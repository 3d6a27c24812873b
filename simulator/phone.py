"""One phone: an install of a SIP app, and iOS's rule about VoIP pushes (APNS.md A6).

A VoIP push that is not reported within the limit is a failure. After so many in a row iOS
launches the app for no VoIP push any more, while APNs goes on answering 200. An app that is
open is exempt. Moments are integer milliseconds since the epoch, UTC. Nothing here is drawn
by chance and nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

#: `Phone.ignores`: every VoIP push from now on.
FOREVER = -1
VOIP = "voip"


@dataclass(frozen=True, slots=True)
class IosRule:
    """`limit_ms`: to report a call after delivery. `threshold`: failures in a row."""

    limit_ms: int = 7_000
    threshold: int = 3


class Reaction(Enum):
    """What a phone does with a push that APNs accepted."""

    WAKES = "wakes"  #: the app runs and registers
    FAILS = "fails"  #: launched, reports no call, is killed
    WITHHELD = "withheld"  #: iOS does not launch the app any more
    STORED = "stored"  #: no connection to APNs
    GONE = "gone"  #: the app is not installed


@dataclass(slots=True, kw_only=True)
class Phone:
    """One install. `name` is its seed and never changes; a reinstall changes the rest."""

    name: str
    accounts: list[str]
    bundle_id: str
    provider: str
    user_agent: str
    host: str
    port: int
    instance_id: str
    voip_token: str
    remote_token: str
    #: Where the tokens are really good: a debug build may claim the wrong provider.
    environment: str = "production"
    #: False: Linphone's bug, the second token of `pn-prid` lacks `:remote`.
    is_labelled: bool = True
    expires: int = 3600
    weight: float = 1.0
    #: Shortest and longest time from delivery to the first REGISTER.
    wake_ms: list[int] = field(default_factory=lambda: [800, 4000])
    #: A slow network holds every push back this long.
    network_ms: int = 0
    #: How often the user opens the app, about; 0 never.
    opens_every_ms: int = 0
    #: The user looks into the app some minutes after a call that did not ring.
    is_restless: bool = False
    #: Plugged in with the app always open: refreshes its registration.
    is_kiosk: bool = False

    is_online: bool = True
    is_installed: bool = True
    ignores: int = 0
    failures: int = 0
    is_blocked: bool = False
    foreground_until_ms: int = 0
    pushed_at_ms: int = 0
    #: AOR → until when the registrar holds its binding.
    bound_until_ms: dict[str, int] = field(default_factory=dict)
    #: AOR → [Call-ID, newest CSeq] of the registration while the app runs.
    dialogs: dict[str, list] = field(default_factory=dict)
    #: Newest push of each type that waits in APNs, as [push type, expires at or 0].
    stored: dict[str, list] = field(default_factory=dict)
    draws: int = 0

    def is_open(self, at_ms: int) -> bool:
        """True while the app is in the foreground: iOS's rule does not count then."""
        return self.is_kiosk or at_ms < self.foreground_until_ms

    def is_bound(self, aor: str, at_ms: int) -> bool:
        """True while the registrar still holds this account's Contact."""
        return self.bound_until_ms.get(aor, 0) > at_ms


class Install(Protocol):
    """What iOS's rule asks of an install, and keeps of it."""

    is_online: bool
    is_installed: bool
    ignores: int
    failures: int
    is_blocked: bool

    def is_open(self, at_ms: int) -> bool: ...


def react(phone: Install, push_type: str, at_ms: int, delay_ms: int, rule: IosRule):
    """What a delivered push does; `delay_ms` is what the app would need to report it."""
    if not phone.is_installed:
        return Reaction.GONE
    if not phone.is_online:
        return Reaction.STORED
    if push_type != VOIP or phone.is_open(at_ms):
        return Reaction.WAKES
    if phone.is_blocked:
        return Reaction.WITHHELD
    if phone.ignores:
        phone.ignores -= phone.ignores > 0
        return Reaction.FAILS
    return Reaction.WAKES if delay_ms <= rule.limit_ms else Reaction.FAILS


def fail(phone: Install, rule: IosRule) -> None:
    """The limit passed without a reported call (0xBAADCA11)."""
    phone.failures += 1
    phone.is_blocked = phone.failures >= rule.threshold


def handle(phone: Install) -> None:
    """A call was reported in time: the run of failures is over."""
    phone.failures = 0


def reinstall(phone: Phone, instance_id: str, voip: str, remote: str) -> None:
    """A new install: new instance, new tokens, a clean sheet with iOS."""
    phone.instance_id, phone.voip_token, phone.remote_token = instance_id, voip, remote
    phone.failures = phone.ignores = 0
    phone.is_blocked = False
    phone.is_installed = True
    phone.dialogs.clear()
    phone.stored.clear()
