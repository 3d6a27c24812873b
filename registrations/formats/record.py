"""What a format cuts out of a log: requests, answers, pulses, and what could not be read."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from registrations.sip import Message


class Request(NamedTuple):
    """A REGISTER that was received. `position`: byte offset of its prefix line.

    `at` is aware UTC or None; `source` is `udp:host:port` or None; `key` ties an answer to
    it where the log prints neither Call-ID nor CSeq with the answer. `message`: what was
    read of its headers, where they were.
    """

    position: int
    at: datetime | None
    source: str | None
    raw: bytes
    key: str | None = None
    message: Message | None = None


class Answer(NamedTuple):
    """The registrar answered a REGISTER: found by Call-ID and CSeq, else by `key`."""

    position: int
    at: datetime | None
    status: int
    call_id: str | None = None
    cseq: int | None = None
    key: str | None = None


class Pulse(NamedTuple):
    """The newest moment of the complete records read so far: the watermark."""

    position: int
    at: datetime


class Unreadable(NamedTuple):
    """Bytes that should have been a message, with the rule they broke."""

    position: int
    at: datetime | None
    rule: str
    detail: str
    raw: bytes


class Turned(NamedTuple):
    """Here a log goes on in another format, from `own` to `other`, and is read on. The rest
    as of an `Unreadable`. `always_answers`: what was read so far shows every answer.
    """

    position: int
    at: datetime | None
    rule: str
    detail: str
    raw: bytes
    own: str
    other: str
    always_answers: bool


class Brief(NamedTuple):
    """A line that tells of a REGISTER which the log may also show whole (see `once`)."""

    position: int
    at: datetime | None
    source: str | None
    raw: bytes


class Branch(NamedTuple):
    """An INVITE on its way to one target. `branch`: of its topmost Via.

    `target`: its Request-URI. `contact`: the URI its sender can be reached at.
    """

    position: int
    at: datetime | None
    branch: str
    call_id: str
    target: str
    to_aor: str
    from_aor: str
    contact: str


class Response(NamedTuple):
    """An answer to an INVITE, 18x or final, on its way back through a branch.

    `instance_id`: of its Contact. `source`: who sent it, where a capture knows that.
    """

    position: int
    at: datetime | None
    branch: str
    call_id: str
    status: int
    instance_id: str | None
    source: str | None
    line: str


class Hangup(NamedTuple):
    """A BYE."""

    position: int
    at: datetime | None
    call_id: str


class PushSent(NamedTuple):
    """A SIP server has sent a push by itself. `key` ties what became of it to it.

    `token` in lower case; texts are empty where the log did not say.
    """

    position: int
    at: datetime | None
    key: str
    token: str
    push_type: str
    topic: str
    call_id: str
    instance_id: str


class PushEnded(NamedTuple):
    """What a SIP server made of APNs' answer. `status` None: there was none."""

    position: int
    at: datetime | None
    key: str
    is_taken: bool
    status: int | None
    reason: str
    apns_id: str


Record = (
    Request
    | Answer
    | Pulse
    | Unreadable
    | Turned
    | Brief
    | Branch
    | Response
    | Hangup
    | PushSent
    | PushEnded
)
