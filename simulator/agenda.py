"""What will happen, in order: a heap of events that can be written down as JSON."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any


@dataclass(order=True, frozen=True, slots=True)
class Event:
    """`number` keeps the order of two events of one millisecond."""

    at_ms: int
    number: int
    action: str
    phone: str
    facts: dict[str, Any]


class Agenda:
    """Events to come. The clock is whatever the caller asks for with `due`."""

    def __init__(self, events: list[list] | None = None, number: int = 0) -> None:
        self._events = [Event(*event) for event in events or []]
        heapq.heapify(self._events)
        self._number = number

    def add(self, at_ms: int, action: str, phone: str = "", **facts: Any) -> None:
        """Let `action` happen at that moment."""
        self._number += 1
        event = Event(at_ms, self._number, action, phone, facts)
        heapq.heappush(self._events, event)

    def due(self, to_ms: int) -> Event | None:
        """The next event up to and at `to_ms`, taken off; None when there is none."""
        if self._events and self._events[0].at_ms <= to_ms:
            return heapq.heappop(self._events)
        return None

    def stored(self) -> dict:
        """As JSON, for `Agenda(**stored)`."""
        rows = [
            [event.at_ms, event.number, event.action, event.phone, event.facts]
            for event in sorted(self._events)
        ]
        return {"events": rows, "number": self._number}
