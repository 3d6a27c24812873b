"""The REGISTER exchange of a simulated phone with the proxy: request, 401, request, 200.

Each step is an event of the fleet's agenda, so the log's times never run backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from simulator import flexisip_log
from simulator.agenda import Agenda, Event
from simulator.phone import Phone

#: liblinphone's first CSeq.
FIRST_CSEQ = 20
REPLY_MS = (1, 9)
ROUND_TRIP_MS = (40, 140)


class Registrar:
    """Holds no state but the agenda's: pointers are counted by the caller's `number`."""

    def __init__(self, agenda: Agenda, write: Callable[[bytes], object]) -> None:
        self._agenda = agenda
        self._write = write
        self.pointers = 0
        #: Told of every REGISTER as it is written: (phone, request).
        self.on_request: Callable[[Phone, flexisip_log.Request], object] | None = None

    def start(
        self, phone: Phone, at_ms: int, chance: Random, *, expires: int | None = None
    ) -> None:
        """The app registers each of its accounts; a refresh keeps its Call-ID."""
        for aor in phone.accounts:
            dialog = phone.dialogs.setdefault(
                aor, [flexisip_log.word(chance, 10), FIRST_CSEQ - 1]
            )
            is_known = dialog[1] >= FIRST_CSEQ
            self._agenda.add(
                at_ms,
                "ask",
                phone.name,
                aor=aor,
                call_id=dialog[0],
                expires=phone.expires if expires is None else expires,
                authorized=is_known,
                pace=chance.random(),
            )
            at_ms += chance.randint(20, 60)

    def ask(self, phone: Phone, event: Event) -> None:
        """The REGISTER reaches the proxy, and its answer is on the way."""
        facts = event.facts
        dialog = phone.dialogs.get(facts["aor"])
        if dialog is None or dialog[0] != facts["call_id"]:
            return  # a reinstall came between
        dialog[1] += 1
        self.pointers += 1
        request = flexisip_log.Request(
            at_ms=event.at_ms,
            pointer=flexisip_log.pointer(self.pointers),
            aor=facts["aor"],
            call_id=facts["call_id"],
            cseq=dialog[1],
            expires=facts["expires"],
            is_authorized=facts["authorized"],
        )
        self._write(flexisip_log.received(phone, request))
        if self.on_request is not None:
            self.on_request(phone, request)
        delay_ms = _between(REPLY_MS, facts["pace"])
        self._agenda.add(
            event.at_ms + delay_ms,
            "answer",
            phone.name,
            **facts,
            pointer=request.pointer,
        )

    def answer(self, phone: Phone, event: Event) -> bool:
        """401, and the phone tries again; or 200. True when the binding is made."""
        facts = dict(event.facts)
        where = facts.pop("pointer")
        status = 200 if facts["authorized"] else 401
        self._write(flexisip_log.replied(event.at_ms, where, status))
        if status == 401:
            facts["authorized"] = True
            again_ms = event.at_ms + _between(ROUND_TRIP_MS, facts["pace"])
            self._agenda.add(again_ms, "ask", phone.name, **facts)
            return False
        phone.bound_until_ms[facts["aor"]] = event.at_ms + facts["expires"] * 1000
        return True


def _between(bounds: tuple[int, int], share: float) -> int:
    return bounds[0] + int((bounds[1] - bounds[0]) * share)
