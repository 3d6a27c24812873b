"""Scripted faults: what the server does to a request instead of answering it properly."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Fault:
    """One fault, done to the next `times` requests.

    `kind`: `answer` (status and raw body), `delay` (seconds), `reset` (RST_STREAM code),
    `goaway` (earlier requests are still answered, this one and later ones are above
    last_stream_id), `drop` (the TCP connection is cut), `silent` (never answered), `mute`
    (the connection reads and answers nothing any more, PING neither), `limit` (SETTINGS
    allow so many `streams`). `is_processed`: the push of a `drop` or `silent` had gone to
    the phone.
    """

    kind: str
    times: int = 1
    status: int = 503
    body: bytes = b""
    pieces: int = 1
    with_apns_id: bool = True
    seconds: float = 0.0
    code: int = 7
    is_processed: bool = False
    streams: int = 100


KINDS = frozenset(
    ["answer", "delay", "reset", "goaway", "drop", "silent", "mute", "limit"]
)


def read_faults(text: str | bytes) -> list[Fault]:
    """Faults of a JSON list of objects with the names above; `body` is text.

    Raises ValueError, saying which one is wrong.
    """
    said = json.loads(text)
    if not isinstance(said, list):
        raise ValueError("faults are a JSON list")
    return [_fault(number, one) for number, one in enumerate(said, 1)]


def _fault(number: int, said: object) -> Fault:
    if not isinstance(said, dict) or said.get("kind") not in KINDS:
        raise ValueError(
            f"fault {number}: kind must be one of {', '.join(sorted(KINDS))}"
        )
    values = dict(said)
    values["body"] = str(values.get("body", "")).encode()
    try:
        fault = Fault(**values)
    except TypeError as error:
        raise ValueError(f"fault {number}: {error}") from None
    kept = asdict(Fault(kind="silent"))
    for name, value in values.items():
        wanted = (int, float) if isinstance(kept[name], float) else type(kept[name])
        if not isinstance(value, wanted):
            raise ValueError(f"fault {number}: {name} cannot be {value!r}")
    return fault


@dataclass(slots=True)
class Faults:
    """The script, worked off in order. `take` gives the fault for the next request."""

    script: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        self.script.append(fault)

    def take(self) -> Fault | None:
        while self.script and self.script[0].times <= 0:
            self.script.pop(0)
        if not self.script:
            return None
        self.script[0].times -= 1
        return self.script[0]
