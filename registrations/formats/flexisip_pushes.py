"""Pushes that Flexisip sends by itself, as its log tells of them at debug level.

What is sent is dumped over several lines: the payload (`PNR 0x… payload is`, `Payload is:`)
and the request (`sending request[0x…]:`), later the answer (`response received for
HttpRequest[0x…]:`) and `switching state from InProgress …`. A pointer names the request in
each; only the first line of a dump has the log's prefix (http2client.cc, apple-request.cc).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from registrations.formats.record import PushEnded, PushSent

#: What stands in a push's first line and its last, and in all that matter.
OUTER = (b"ayload is", b"state from InProgress")
#: Found in half the time, and hardly more often.
PARTS_OF_OUTER = (b"yload", b"InPro")
MARKERS = (
    *OUTER,
    b"equest[0x",
    b"equest (0x",
    b"PNR 0x",
    b"/3/device/",
    b"apns-",
    b":status = ",
    b'"call-id"',
    b'"uuid"',
    b'"reason"',
)
POINTER = re.compile(rb"(?:[Rr]equest(?:\[| \()|PNR +)(0x[0-9a-fA-F]{1,16})")
PAYLOAD = re.compile(rb"[Pp]ayload is ?:?")
SENDING = re.compile(rb"[Ss]ending (?:[Rr]equest\[|PNR )0x")
SENT = re.compile(rb"[Rr]equest\[0x[0-9a-fA-F]+\] sent")
ANSWERED = re.compile(rb"[Rr]esponse received for HttpRequest")
ENDED = re.compile(
    rb"state from InProgress (?:to|->) (Successful|Failed)"
    rb"|PNR 0x[0-9a-fA-F]+ (succeeded|failed)"
)
TAKEN = (b"Successful", b"succeeded")
#: Lines inside a dump.
FACTS = {
    "token": re.compile(rb"/3/device/([0-9A-Za-z]{1,400})"),
    "topic": re.compile(rb"apns-topic[ =:]+([^\s\]]{1,255})"),
    "push_type": re.compile(rb"apns-push-type[ =:]+(\w{1,20})"),
    "apns_id": re.compile(rb"apns-id[ =:]+([0-9A-Fa-f-]{36})"),
    "status": re.compile(rb":status = (\d{3})"),
    "call_id": re.compile(rb'"call-id"\s*:\s*"([^"]{1,500})"'),
    "instance_id": re.compile(rb'"uuid"\s*:\s*"\\?"?<?([^"<>\\]{1,200})'),
    "reason": re.compile(rb'"reason"\s*:\s*"(\w{1,64})"'),
}
MOST_OPEN = 2000


@dataclass(slots=True)
class Dump:
    """What was read of one request so far."""

    position: int
    at: datetime | None
    facts: dict[str, str] = field(default_factory=dict)
    is_told: bool = False


class Pushes:
    """Follows the requests of a log by their pointers."""

    def __init__(self) -> None:
        self._open: dict[str, Dump] = {}
        #: The dump whose lines are being read, and the pointer last answered.
        self._inside: Dump | None = None
        self._answered = ""
        #: A payload whose line names no pointer belongs to the next request.
        self._loose: Dump | None = None

    @property
    def is_under_way(self) -> bool:
        """Some push has begun and not ended."""
        return bool(self._open) or self._loose is not None

    def inside(self, line: bytes) -> None:
        """A line without the log's prefix: of the dump above, if there is one."""
        if self._inside is not None:
            _read(line, self._inside)

    def leave(self) -> None:
        """A line of something else: it ends the dump above."""
        self._inside = None

    def told(
        self, text: bytes, at: datetime | None, position: int
    ) -> PushSent | PushEnded | None:
        """What a line behind its prefix tells; it ends the dump above."""
        self.leave()
        if text.find(b"0x") < 0 and all(text.find(one) < 0 for one in OUTER):
            return None
        found = POINTER.search(text)
        key = found[1].decode() if found else ""
        if PAYLOAD.search(text):
            self._inside = self._payload(key, at, position)
        elif SENDING.search(text):
            self._inside = self._sending(key, at, position)
        elif ANSWERED.search(text):
            self._answered = key
            self._inside = self._of(key, at, position)
        elif SENT.search(text):
            return self._sent(key, at, position)
        elif (ended := ENDED.search(text)) is not None:
            is_taken = (ended[1] or ended[2]) in TAKEN
            return self._ended(key or self._answered, at, position, is_taken)
        elif key or b"apns-" in text or b":status = " in text:
            # 2.0 prints a line for each header.
            self._inside = self._open.get(key)
        if self._inside is not None:
            _read(text, self._inside)
        return None

    def _payload(self, key: str, at: datetime | None, position: int) -> Dump:
        dump = Dump(position, at)
        if key:
            self._keep(key, dump)
        else:
            self._loose = dump
        return dump

    def _sending(self, key: str, at: datetime | None, position: int) -> Dump:
        before = self._open.get(key) or self._loose
        facts = before.facts if before and not before.is_told else {}
        self._loose = None
        dump = Dump(position, at, dict(facts))
        self._keep(key, dump)
        return dump

    def _sent(self, key: str, at: datetime | None, position: int) -> PushSent | None:
        dump = self._open.get(key)
        if dump is None or dump.is_told:
            return None
        dump.is_told = True
        facts = dump.facts
        if not facts.keys() & {"token", "instance_id"}:
            return None
        topic = facts.get("topic", "")
        is_voip = topic.endswith(".voip") and "push_type" not in facts
        push_type = facts.get("push_type", "voip" if is_voip else "")
        return PushSent(
            position=position,
            at=at,
            key=key,
            token=facts.get("token", "").lower(),
            push_type=push_type,
            topic=topic,
            call_id=facts.get("call_id", ""),
            instance_id=facts.get("instance_id", ""),
        )

    def _ended(
        self, key: str, at: datetime | None, position: int, is_taken: bool
    ) -> PushEnded | None:
        dump = self._open.pop(key, None)
        facts = dump.facts if dump else {}
        if not key:
            return None
        return PushEnded(
            position=position,
            at=at,
            key=key,
            is_taken=is_taken,
            status=int(facts["status"]) if "status" in facts else None,
            reason=facts.get("reason", ""),
            apns_id=facts.get("apns_id", "").lower(),
        )

    def _of(self, key: str, at: datetime | None, position: int) -> Dump:
        if key not in self._open:
            self._keep(key, Dump(position, at, is_told=True))
        return self._open[key]

    def _keep(self, key: str, dump: Dump) -> None:
        self._open.pop(key, None)
        self._open[key] = dump
        if len(self._open) > MOST_OPEN:
            del self._open[next(iter(self._open))]


def _read(line: bytes, dump: Dump) -> None:
    for name, pattern in FACTS.items():
        found = pattern.search(line)
        if found is not None:
            dump.facts[name] = found[1].decode("utf-8", "replace")
