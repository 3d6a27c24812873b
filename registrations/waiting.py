"""REGISTERs that wait for their answer, as JSON: a restart takes them up again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from registrations.answers import Waiting
from registrations.formats.record import Request
from registrations.sip import read_register
from registrations.storable import storable


def stored(waiting: Iterable[Waiting]) -> list[dict]:
    """As JSON; the bytes in hex."""
    return [
        {
            "file": item.file_id,
            "log": item.log,
            "position": item.request.position,
            "at": item.request.at and item.request.at.isoformat(),
            "source": item.request.source,
            "key": item.request.key,
            "status": item.status,
            "raw": item.request.raw.hex(),
        }
        for item in waiting
    ]


def restored(rows: Iterable[dict]) -> Iterable[Waiting]:
    """The other way round."""
    for row in rows:
        request = Request(
            position=row["position"],
            at=row["at"] and datetime.fromisoformat(row["at"]),
            source=row["source"],
            key=row["key"],
            raw=bytes.fromhex(row["raw"]),
        )
        register = storable(read_register(request.raw))
        yield Waiting(request, register, row["status"], row["file"], row.get("log", ""))
