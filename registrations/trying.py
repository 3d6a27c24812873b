"""What some lines of a log are read as, for somebody who tries. Nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from registrations.answers import Pairing, Waiting
from registrations.formats import open_format
from registrations.formats.record import (
    Answer,
    Record,
    Request,
    Turned,
    Unreadable,
)
from registrations.formats.unread import Unread
from registrations.rows import Rows, error_row
from registrations.sip import SipError, read_register

#: Bytes that are read at once.
MOST_BYTES = 64 * 1024
#: REGISTERs and errors that are shown.
MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Tried:
    """The format that was found, "" for none; what `parse` prints, as far as it is shown;
    how much there was in all; why nothing could be read.
    """

    format: str
    rows: list[dict]
    number: int
    why_nothing: str


def tried(data: bytes) -> Tried:
    """What the first `MOST_BYTES` are read as."""
    data = data[:MOST_BYTES]
    reader, pairing, unread = open_format(None), Pairing(), Unread(None)
    records = reader.feed(data)
    unread.saw(data, records, reader.form)
    errors = list(_taken(records, pairing))
    records = reader.end()
    unread.saw(b"", records, None)
    errors += _taken(records, pairing)
    form = reader.form.name if reader.form is not None else ""
    shown = [_row(one, form) for one in pairing.in_order(is_last=True)]
    found = sorted(errors + shown, key=lambda row: row["position"])
    return Tried(
        "" if unread.words else form, found[:MOST_ROWS], len(found), unread.words
    )


def _taken(records: list[Record], pairing: Pairing) -> Iterator[dict]:
    """Gives REGISTERs and answers to the pairing; yields what could not be read."""
    for record in records:
        if isinstance(record, Request):
            try:
                pairing.ask(record, read_register(record.raw, record.message))
            except SipError as error:
                yield json.loads(error_row(error, record.position))
        elif isinstance(record, Answer):
            pairing.answer(record)
        elif isinstance(record, Unreadable | Turned):
            broken = SipError(record.rule, record.detail)
            yield json.loads(error_row(broken, record.position))


def _row(item: Waiting, form: str) -> dict:
    return json.loads(Rows().register(item, form))
