"""Bodies that log collectors post → lines of a log with the collector's time stamp.

What Vector's and Fluent Bit's `http` outputs send: raw text, JSON lines, an array of JSON
objects, or objects one behind the other; gzip or not. No Django here.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from registrations.formats.jsonlog import TEXTS, moment_at, stamp_of, text_of
from registrations.formats.stamps import Stamps

#: Unpacked, a body is refused beyond this.
LONGEST_TEXT_BYTES = 64 * 1024 * 1024
ENCODINGS = {
    "": None,
    "identity": None,
    "gzip": zlib.MAX_WBITS | 16,
    "deflate": zlib.MAX_WBITS,
}
JSON_LINES = frozenset({"application/x-ndjson", "application/ndjson"})
JSON_LINES |= {
    "application/jsonl",
    "application/json-lines",
    "application/x-json-stream",
}


class BodyRefused(Exception):
    """A body we do not take, with the HTTP status that says so and the line that is wrong."""

    def __init__(self, status: int, detail: str, line: int | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.line = status, detail, line


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log, or several; `stamp`: when the collector read it, as it says."""

    text: bytes
    stamp: object = None

    def moment(self, stamps: Stamps) -> datetime | None:
        """When it was read; None where that is not said. `stamps`: the feed's."""
        return moment_at(self.stamp, stamps)


def unpacked(pieces: Iterable[bytes], encoding: str) -> bytes:
    """The body without its Content-Encoding. Raises BodyRefused (400, 413, 415)."""
    if encoding not in ENCODINGS:
        raise BodyRefused(415, f"Content-Encoding {encoding[:40]!r}: send gzip or none")
    bits, found, size = ENCODINGS[encoding], [], 0
    unpacking = zlib.decompressobj(bits) if bits is not None else None
    for piece in pieces:
        text = _inflated(unpacking, piece) if unpacking else piece
        found.append(text)
        size += len(text)
        if size > LONGEST_TEXT_BYTES or (unpacking and unpacking.unconsumed_tail):
            raise BodyRefused(413, f"more than {LONGEST_TEXT_BYTES} bytes unpacked")
    if unpacking and not unpacking.eof:
        raise BodyRefused(400, f"the {encoding} body has no end")
    return b"".join(found)


def _inflated(unpacking, piece: bytes) -> bytes:
    try:
        return unpacking.decompress(piece, LONGEST_TEXT_BYTES)
    except zlib.error as error:
        raise BodyRefused(400, f"not packed as said: {error}") from error


def lines_of(body: bytes, content_type: str) -> list[Line]:
    """The lines of a body of this media type. Raises BodyRefused (400, 415)."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in JSON_LINES:
        return list(_json_lines(body))
    if kind == "application/json":
        return list(_json(body))
    if kind in {"", "application/octet-stream"} or kind.startswith("text/"):
        return [Line(body if body.endswith(b"\n") or not body else body + b"\n")]
    raise BodyRefused(415, f"Content-Type {kind[:60]!r}: send JSON, NDJSON or text")


def _json_lines(body: bytes) -> Iterator[Line]:
    for number, text in enumerate(body.split(b"\n"), start=1):
        if text.strip():
            try:
                entry = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise BodyRefused(400, f"no JSON: {error}", number) from error
            yield _line(entry, number)


def _json(body: bytes) -> Iterator[Line]:
    """An array of objects, one object, or several one behind the other."""
    text, decoder, at, number = (
        body.decode("utf-8", "replace"),
        json.JSONDecoder(),
        0,
        0,
    )
    while (at := _skip_blanks(text, at)) < len(text):
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", at)) + 1
            raise BodyRefused(400, f"no JSON: {error}", line) from error
        for entry in found if isinstance(found, list) else [found]:
            number += 1
            yield _line(entry, number)


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _line(entry: object, number: int) -> Line:
    if not isinstance(entry, dict):
        raise BodyRefused(400, "not a JSON object", number)
    text = text_of(entry)
    if text is None:
        names = ", ".join(TEXTS)
        raise BodyRefused(400, f"none of the fields {names} holds text", number)
    return Line(text if text.endswith(b"\n") else text + b"\n", stamp_of(entry))
