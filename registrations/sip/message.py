"""One SIP message cut into a start line and headers (RFC 3261 §7). Bytes in, text out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import MalformedMessage

#: Compact forms of the headers we read (RFC 3261 §7.3.3).
COMPACT = {
    "m": "contact",
    "i": "call-id",
    "t": "to",
    "f": "from",
    "v": "via",
    "l": "content-length",
}
#: A header and the folded lines that go on with it (RFC 3261 §7.3.1).
FOLD = re.compile(r"\r?\n[ \t]+")
CREDENTIALS = re.compile(
    r"(?im)^((?:Proxy-)?Authorization[ \t]*:(?:[ \t]*[a-z]+(?=[ \t]))?)"
    r"[^\n]*(?:\n[ \t]+[^\n]*)*"
)
END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Message:
    """A start line and its headers: names in lower case, long form, in order."""

    start_line: str
    headers: tuple[tuple[str, str], ...]

    def first(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key == name]


def decoded(raw: bytes) -> str:
    """SIP text is UTF-8 (RFC 3261 §7); other bytes stay visible as escapes."""
    return raw.decode("utf-8", "backslashreplace")


def read_message(raw: bytes) -> Message:
    """Read start line and headers; the body is not looked at.

    Raises MalformedMessage when there is no start line.
    """
    head = END_OF_HEADERS.split(raw.lstrip(b"\r\n"), maxsplit=1)[0]
    text = FOLD.sub(" ", decoded(head))
    start_line, _, rest = text.partition("\n")
    if not start_line.strip():
        raise MalformedMessage("start_line", "the message is empty")
    return Message(start_line.rstrip("\r"), tuple(_headers(rest)))


def _headers(text: str):
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            # RFC 3261 §7.3.1: blanks may stand before the colon.
            key = name.strip().lower()
            yield COMPACT.get(key, key), value.strip()


def redacted(raw: bytes) -> str:
    """The message as text without credentials, fit to store and show.

    Values of Authorization headers are cut after the scheme; NULs become `\\x00`.
    """
    text = CREDENTIALS.sub(r"\1 …", decoded(raw))
    return text.replace("\0", "\\x00")
