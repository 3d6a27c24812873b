"""Feeding bytes to a reader, and what came out of it."""

from __future__ import annotations

from registrations.formats import open_format
from registrations.formats.record import Answer, Pulse, Record, Request, Unreadable


def records_of(data: bytes, name: str | None = None, step: int = 0) -> list[Record]:
    """Everything but pulses, which tell how far was read at the end of a piece."""
    reader, records = open_format(name), []
    for at in range(0, len(data), step or len(data) or 1):
        records += reader.feed(data[at : at + (step or len(data))])
    records += reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def requests_of(data: bytes, name: str | None = None) -> list[Request]:
    return [one for one in records_of(data, name) if isinstance(one, Request)]


def call_ids(data: bytes, name: str | None = None) -> list[str]:
    """The Call-ID of each REGISTER read, in order."""
    return [
        one.raw.partition(b"Call-ID: ")[2].partition(b"\r\n")[0].decode()
        for one in requests_of(data, name)
    ]


def answers_of(data: bytes) -> list[tuple]:
    return [
        (one.status, one.call_id, one.cseq)
        for one in records_of(data)
        if isinstance(one, Answer)
    ]


def rules_of(data: bytes, step: int = 0) -> list[tuple[str, int]]:
    return [
        (one.rule, one.position)
        for one in records_of(data, step=step)
        if isinstance(one, Unreadable)
    ]
