"""One request of a conversation, and how it can end."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import Lost, NotProcessed


@dataclass(frozen=True, slots=True)
class Answer:
    """What APNs said: status, header names in lower case, the body as far as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


Ending = tuple[int, Answer | NotProcessed | Lost]


@dataclass(slots=True)
class Stream:
    """One request under way. `rest`: what the windows have not let out of its body yet."""

    rest: bytes
    began_at: float
    is_whole: bool = False
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def answer(self) -> Answer | None:
        """The answer as far as it came; None before its status."""
        if not self.status:
            return None
        return Answer(self.status, self.headers, self.body)
