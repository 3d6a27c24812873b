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
    """`limit_ms`: to report a call after delivery. `threshold`: failures in a row.
    `release_ms`: a block ends by itself after so long; 0 never.
    """

    limit_ms: int = 7_000
    threshold: int = 3
    release_ms: int = 0


class Reaction(Enum):
    """What a phone does with a push that APNs accepted."""

    WAKES = "wakes"  #: the app runs and registers
    FAILS = "fails"  #: launched, reports no call, is killed
    WITHHELD = "withheld"  #: iOS does not launch the app any more
    STORED = "stored"  #: no connection to APNs
    GONE = "gone"  #: the app is not installed
    UNSEEN = "unseen"  #: a call is reported, and no SIP message sent
    DROPPED = "dropped"  #: a remote push to an app that was swiped away


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
    #: How long after the push such a look comes. By default late enough to be no answer to
    #: it, early enough not to have the app open at the next one.
    look_ms: list[int] = field(default_factory=lambda: [96_000, 103_000])
    #: How long the app stays open when the user looks into it.
    open_ms: list[int] = field(default_factory=lambda: [8_000, 18_000])
    #: While it is open it keeps its connection: a call is answered without a REGISTER.
    keeps_connection: bool = False
    #: Plugged in with the app always open: refreshes its registration.
    is_kiosk: bool = False
    #: The app posts beacons.
    has_beacons: bool = False

    is_online: bool = True
    is_installed: bool = True
    is_locked: bool = False
    is_quit: bool = False
    ignores: int = 0
    #: So many of its VoIP pushes are left unhandled, by chance.
    fail_share: float = 0.0
    failures: int = 0
    is_blocked: bool = False
    blocked_at_ms: int = 0
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


def meet(
    phone: Phone, push_type: str, at_ms: int, delay_ms: int, rule: IosRule, luck: float
) -> Reaction:
    """The same of a phone that may be locked, its app swiped away, or failing by chance:
    `luck` (0 to 1) decides.
    """
    reaction = react(phone, push_type, at_ms, delay_ms, rule)
    if reaction is not Reaction.WAKES:
        return reaction
    if push_type != VOIP:
        is_deaf = phone.is_quit or phone.is_locked
        return Reaction.DROPPED if is_deaf else reaction
    if phone.is_open(at_ms):
        return Reaction.UNSEEN if phone.keeps_connection else reaction
    if phone.is_locked:
        return Reaction.UNSEEN
    return Reaction.FAILS if luck < phone.fail_share else reaction


def fail(phone: Install, rule: IosRule) -> None:
    """The limit passed without a reported call (0xBAADCA11)."""
    phone.failures += 1
    phone.is_blocked = phone.failures >= rule.threshold


def release(phone: Phone, at_ms: int, rule: IosRule) -> bool:
    """iOS forgets the failures of long ago; True when that ends a block."""
    is_over = rule.release_ms and at_ms >= phone.blocked_at_ms + rule.release_ms
    if not phone.is_blocked or not is_over:
        return False
    phone.failures, phone.is_blocked = 0, False
    return True


def handle(phone: Install) -> None:
    """A call was reported in time: the run of failures is over."""
    phone.failures = 0


def reinstall(phone: Phone, instance_id: str, voip: str, remote: str) -> None:
    """A new install: new instance, new tokens, a clean sheet with iOS."""
    phone.instance_id, phone.voip_token, phone.remote_token = instance_id, voip, remote
    phone.failures = phone.ignores = 0
    phone.is_blocked = phone.is_locked = phone.is_quit = False
    phone.is_installed = True
    phone.dialogs.clear()
    phone.stored.clear()


def restore(phone: Phone, voip: str, remote: str) -> None:
    """A new device from a backup: the same instance, new tokens, nothing that iOS knew."""
    phone.voip_token, phone.remote_token = voip, remote
    phone.failures, phone.is_blocked = 0, False
