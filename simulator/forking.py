"""The INVITE that a proxy forks to a phone, and what the phone answers, in the proxy's log."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from simulator import flexisip_log
from simulator.agenda import Agenda, Event
from simulator.phone import Phone

#: From the proxy to the phone and back: a phone that rings says so at once.
RINGS_MS = (60, 400)


class Forks:
    """Each call of an account has one branch to a phone."""

    def __init__(self, agenda: Agenda, write: Callable[[bytes], object]) -> None:
        self._agenda, self._write = agenda, write
        self._count = 0
        #: Told of every 180 as it is written: (phone, milliseconds, Call-ID).
        self.on_ring: Callable[[Phone, int, str], object] | None = None

    def invite(self, phone: Phone, event: Event, chance: Random) -> None:
        """The INVITE goes to the phone's Contact."""
        aor = phone.accounts[0]
        if not phone.is_online or not phone.is_bound(aor, event.at_ms):
            return
        self._count += 1
        facts = {"call_id": event.facts["call_id"], "branch": f"fork.{self._count}"}
        self._write(flexisip_log.forked(phone, event.at_ms, **facts))
        at_ms = event.at_ms + chance.randint(*RINGS_MS)
        self._agenda.add(at_ms, "ringing", phone.name, **facts)

    def ring(self, phone: Phone, event: Event) -> None:
        """180, through the branch the INVITE came by."""
        if phone.is_online:
            self._write(flexisip_log.rings(phone, event.at_ms, **event.facts))
            if self.on_ring is not None:
                self.on_ring(phone, event.at_ms, event.facts["call_id"])
