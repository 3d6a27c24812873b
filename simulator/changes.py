"""What befalls a phone without a word in any log: (phone, facts of the event) → a change."""

from __future__ import annotations

from collections.abc import Callable

from simulator.phone import Phone


def _break(phone: Phone, facts: dict) -> None:
    """From now on the app leaves this many VoIP pushes unhandled, or this share of them."""
    phone.ignores = facts.get("pushes", 0)
    phone.fail_share = facts.get("share", 0.0)
    phone.user_agent = facts.get("user_agent", phone.user_agent)


def _mend(phone: Phone, facts: dict) -> None:
    phone.ignores, phone.fail_share = 0, 0.0
    phone.user_agent = facts.get("user_agent", phone.user_agent)


def _slow(phone: Phone, facts: dict) -> None:
    phone.network_ms = facts["by_ms"]


def _vanish(phone: Phone, _: dict) -> None:
    """Off, or out of every network."""
    phone.is_online = False


def _lock(phone: Phone, _: dict) -> None:
    """Started anew and not unlocked yet: a call is shown, and nothing is sent over SIP."""
    phone.is_locked = True
    phone.foreground_until_ms = 0


def _quit(phone: Phone, _: dict) -> None:
    """The user swipes the app away: remote pushes wake it no more, VoIP pushes do."""
    phone.is_quit = True
    phone.foreground_until_ms = 0


CHANGES: dict[str, Callable[[Phone, dict], None]] = {
    "break": _break,
    "mend": _mend,
    "slow": _slow,
    "vanish": _vanish,
    "lock": _lock,
    "quit": _quit,
}
